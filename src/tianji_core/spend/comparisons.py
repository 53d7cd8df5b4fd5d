"""What the totals of spend say about each other."""

from datetime import date
from typing import Literal

import msgspec

Pair = Literal["daily_totals", "lifetime", "windows"]
"""The ledger and its daily totals; these and the lifetime spend; this and the budget windows."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two sums that should be equal, in nano-USD.

    Attributes:
        owner: The key's id; '' for calls without one.
        day: UTC; None where the sums are of all time.
    """

    owner: str
    day: date | None = None
    expected_nano: int
    found_nano: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One pair, everywhere.

    Attributes:
        checked: How many sums were compared.
        differing: How many of them differ; `differences` may name only the first, by day and owner.
    """

    pair: Pair
    checked: int
    differing: int
    differences: tuple[Difference, ...] = ()
