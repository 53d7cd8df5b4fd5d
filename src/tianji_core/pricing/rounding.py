"""From exact USD, or from whole numbers of a fraction of a nano-USD, to whole nano-USD."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TypeVar

K = TypeVar("K", bound=str)

_NANO = 1_000_000_000
_LEAST_USD = Decimal("1e-18")
# More than any token costs.
_MOST_USD = Decimal(1_000_000)


def to_nano(usd: Decimal) -> int:
    """Round to the nearest nano-USD, a half to the even one."""
    return int((usd * _NANO).to_integral_value(ROUND_HALF_EVEN))


def apportion(amounts: Mapping[K, Decimal]) -> dict[K, int]:
    """Cut amounts of at least 0 USD to nano-USD so that they add up to their rounded sum.

    Each is cut down; what is then missing goes, one nano each, to those that lost most (the largest remainder), ties in the given order.
    """
    exact = {name: usd * _NANO for name, usd in amounts.items()}
    nano = {name: int(value.to_integral_value(ROUND_FLOOR)) for name, value in exact.items()}
    missing = to_nano(sum(amounts.values(), Decimal(0))) - sum(nano.values())
    by_loss = sorted(exact, key=lambda name: nano[name] - exact[name])
    for name in by_loss[:missing]:
        nano[name] += 1
    return nano


def whole_of(usd: Decimal, per_nano: int) -> int | None:
    """Return a rate of at least 0 USD in parts of which `per_nano` make a nano-USD; None where that is no whole number, or absurd."""
    if not usd:
        return 0
    if not _LEAST_USD <= usd <= _MOST_USD:
        return None
    over, under = usd.as_integer_ratio()
    whole, rest = divmod(over * _NANO * per_nano, under)
    return None if rest else whole


def whole_to_nano(amount: int, per_nano: int) -> int:
    """Do for parts of a nano-USD what `to_nano` does for USD."""
    if per_nano == 1:
        return amount
    nano, rest = divmod(amount, per_nano)
    return nano + 1 if 2 * rest > per_nano or (2 * rest == per_nano and nano & 1) else nano


def apportion_whole(amounts: Mapping[K, int], per_nano: int) -> Mapping[K, int]:
    """Do for parts of a nano-USD what `apportion` does for USD."""
    if per_nano == 1:
        return amounts
    nano = {name: amount // per_nano for name, amount in amounts.items()}
    missing = whole_to_nano(sum(amounts.values()), per_nano) - sum(nano.values())
    if missing:
        for name in sorted(amounts, key=lambda name: -(amounts[name] % per_nano))[:missing]:
            nano[name] += 1
    return nano
