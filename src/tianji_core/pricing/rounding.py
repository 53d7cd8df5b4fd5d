"""From exact USD to whole nano-USD."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TypeVar

K = TypeVar("K", bound=str)

_NANO = 1_000_000_000


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
