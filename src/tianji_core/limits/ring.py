"""Requests or tokens of the last minute, in buckets of half a second.

Counted are the current bucket and the 120 before it: every instant of the last 60 s, so that no 60 s, wherever they begin, hold more
than the limit. The error is on the strict side only: what is up to 60.5 s old may still count.
"""

from dataclasses import dataclass, field

BUCKETS_PER_SECOND = 2
WINDOW_SECONDS = 60.5
"""After how long nothing that was counted counts any more, at the latest."""

_LAST = 120
_NEVER = 1 << 62


def bucket_of(now: float) -> int:
    """Return the number of the bucket of a moment in monotonic seconds, which are not negative."""
    return int(now * BUCKETS_PER_SECOND)


def empty_after(now: float) -> float:
    """Return in how many seconds what is counted now counts no more."""
    return (bucket_of(now) + _LAST + 1) / BUCKETS_PER_SECOND - now


@dataclass(slots=True)
class Ring:
    """One counter. Buckets are given by number, which never decreases from one call to the next."""

    total: int = 0
    _oldest: int = _NEVER
    _newest: int = -1
    _amounts: dict[int, int] = field(default_factory=dict)

    def room(self, limit: int, bucket: int) -> int:
        """Return how much fits now; negative where the last minute holds more than the limit."""
        if self._oldest < bucket - _LAST:
            self._evict(bucket - _LAST)
        return limit - self.total

    def take(self, call_id: str, amount: int, bucket: int) -> None:
        """Count an amount now, within the limit or not."""
        amounts = self._amounts
        if not amounts:
            self._oldest = bucket
        amounts[bucket] = amounts.get(bucket, 0) + amount
        self._newest = bucket
        self.total += amount

    def give_back(self, admitted: int, amount: int) -> None:
        """Take back what was counted too much in the bucket of an admission, if that still counts. Ask `room` first."""
        if admitted in self._amounts:
            self._amounts[admitted] -= amount
            self.total -= amount

    def wait(self, amount: int, limit: int, *, now: float) -> float:
        """Return the seconds until an amount fits, which is not above the limit, if nothing else comes. Ask `room` first."""
        excess = self.total + amount - limit
        for bucket, held in self._amounts.items():
            if excess <= 0:
                break
            excess -= held
            if excess <= 0:
                return max(0.0, (bucket + _LAST + 1) / BUCKETS_PER_SECOND - now)
        return 0.0

    def _evict(self, first: int) -> None:
        amounts = self._amounts
        if self._newest < first:
            amounts.clear()
            self.total = 0
            self._oldest = _NEVER
            return
        for bucket in [bucket for bucket in amounts if bucket < first]:
            self.total -= amounts.pop(bucket)
        self._oldest = next(iter(amounts))
