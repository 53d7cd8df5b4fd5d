"""Calls that run at the same time."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Slots:
    """Who holds a place, by call id: giving back twice frees one place only."""

    _calls: set[str] = field(default_factory=set)

    def running(self) -> int:
        """How many hold one."""
        return len(self._calls)

    def room(self, limit: int, bucket: int) -> int:
        """Return how many more may run; negative where more run than the limit."""
        return limit - len(self._calls)

    def take(self, call_id: str, amount: int, bucket: int) -> None:
        """Let a call hold a place."""
        self._calls.add(call_id)

    def give(self, call_id: str) -> None:
        """Free the place of a call, if it holds one."""
        self._calls.discard(call_id)
