"""The money of one window: what is spent, and what running calls may still spend. Amounts are nano-USD."""

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """One counter.

    Attributes:
        spent: What settled calls have cost.
        adjusted: What people have added or taken away by hand, in sum; may be negative.
        reserved: What running calls hold.
        open: How many running calls hold something, if only nothing.
        changed: Monotonic seconds of the last settlement; what was booked up to then may not be stored yet.
    """

    spent: int
    adjusted: int = 0
    reserved: int = 0
    open: int = 0
    changed: float = float("-inf")

    @property
    def used(self) -> int:
        """What counts as spent."""
        return self.spent + self.adjusted

    def room(self, limit: int, bucket: int) -> int:
        """Return how much fits now, at any time of the window; negative where more is used than the limit."""
        return limit - self.spent - self.adjusted - self.reserved

    def take(self, call_id: str, amount: int, bucket: int) -> None:
        """Hold an amount for one more call."""
        self.reserved += amount
        self.open += 1

    def settle(self, held: int, cost: int, now: float) -> None:
        """Replace what one call held by what it cost, even where that is more."""
        self.reserved -= held
        self.open -= 1
        self.spent += cost
        self.changed = now
