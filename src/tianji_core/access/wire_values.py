"""Instants and money as the management routes write and read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANO = 10**9
_STEP = Decimal("1e-9")
_MOST_USD = 9 * 10**9


def instant(at_ns: int) -> str:
    """Return an instant in UTC, always with six digits: `2026-11-25T04:29:55.000000Z`."""
    at = _EPOCH + timedelta(microseconds=at_ns // 1000)
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def usd(amount_nano: int, *, as_text: bool) -> float | str:
    """Return nano-USD as a number of USD (the nearest float), or exactly as text."""
    return f"{Decimal(amount_nano).scaleb(-9):f}" if as_text else amount_nano / _NANO


def nano(amount_usd: Decimal) -> int:
    """Return an amount of USD in nano-USD.

    Raises:
        ValueError: it has more than nine decimals, is negative, above nine billion, or no number.
    """
    if not amount_usd.is_finite() or not 0 <= amount_usd <= _MOST_USD:
        raise ValueError("must be between 0 and 9000000000")
    rounded = amount_usd.quantize(_STEP)  # comparing is exact; multiplying first would round what has more digits than the context
    if rounded != amount_usd:
        raise ValueError("must have at most nine decimals")
    return int(rounded * _NANO)
