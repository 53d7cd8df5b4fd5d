"""How many of the calls of the last minute failed, in one-second buckets: the memory is bounded whatever the traffic."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 60


@dataclass(slots=True)
class Recent:
    """Calls of the last sixty seconds before the last `add`. Times are monotonic seconds that never run backwards."""

    calls: int = 0
    failures: int = 0
    _buckets: deque[tuple[int, int, int]] = field(default_factory=deque)

    def add(self, now: float, *, failed: bool) -> None:
        """Count one finished call, and forget those that are too old."""
        second = int(now)
        while self._buckets and self._buckets[0][0] <= second - WINDOW_SECONDS:
            _, calls, failures = self._buckets.popleft()
            self.calls -= calls
            self.failures -= failures
        calls, failures = 0, 0
        if self._buckets and self._buckets[-1][0] == second:
            _, calls, failures = self._buckets.pop()
        self._buckets.append((second, calls + 1, failures + int(failed)))
        self.calls += 1
        self.failures += int(failed)

    def clear(self) -> None:
        """Forget everything."""
        self.calls = 0
        self.failures = 0
        self._buckets.clear()
