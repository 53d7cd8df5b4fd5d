"""What the counters answer."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from tianji_core.limits.holds import Hold
from tianji_core.limits.windows import BudgetWindow

Reason = Literal["full", "too_large", "spent", "reserved"]
"""Why a hold is refused: the counter is full for now; the call alone is larger than the limit, or than what is left of a budget; the
money is spent; only reservations of running calls stand in the way."""


class Admitted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The call may go and holds what it asked for.

    Attributes:
        holds: What it holds.
        rooms: What fitted into each counter before, in the order of the holds.
        reset_seconds: When requests and tokens of the last minute, this call's included, count no more.
    """

    holds: Sequence[Hold] = ()
    rooms: Sequence[int] = ()
    reset_seconds: float = 0.0

    @property
    def remaining(self) -> tuple[int, ...]:
        """What each counter has left beside what the call holds; never negative."""
        return tuple(max(0, room - hold.amount) for hold, room in zip(self.holds, self.rooms, strict=True))


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The call may not go, and holds nothing.

    Attributes:
        hold: What is refused; of several the one that keeps the call out longest.
        used: What the counter holds, without what is only reserved.
        reserved: What running calls hold of a budget.
        wait_seconds: When to come again, or None where waiting does not help as far as one can know.
    """

    hold: Hold
    reason: Reason
    used: int
    reserved: int = 0
    wait_seconds: float | None = None

    @property
    def left(self) -> int:
        """What would have fitted."""
        return max(0, self.hold.limit - self.used - self.reserved)


class NeedSeed(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody knows what is spent in these windows. The caller reads that where it is stored, seeds it, and asks again."""

    windows: tuple[BudgetWindow, ...]


class WindowSpend(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored about a window, in nano-USD: what calls cost, and what was added or taken away by hand."""

    window: BudgetWindow
    spent_nano: int = 0
    adjusted_nano: int = 0

    @property
    def shown_nano(self) -> int:
        """What counts as spent."""
        return self.spent_nano + self.adjusted_nano


class LiveSpend(msgspec.Struct, frozen=True, kw_only=True):
    """What a counter says now, in nano-USD: what is spent, adjustments included; what running calls hold; and the adjustments alone."""

    spent_nano: int
    reserved_nano: int
    adjusted_nano: int = 0


AdmissionAnswer = Admitted | Refused | NeedSeed
