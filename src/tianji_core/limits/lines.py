"""How many log lines of one kind are written, so that a flood of requests is no flood of lines."""

from dataclasses import dataclass
from math import inf

_WINDOW_SECONDS = 1.0


@dataclass(slots=True)
class LineLimit:
    """Lets so many lines of a second by and counts the others. Times are monotonic seconds."""

    most: int
    _since: float = -inf
    _written: int = 0
    _left_out: int = 0

    def allows(self, *, now: float) -> bool:
        """Whether a line may be written now; one that may not is counted."""
        if now >= self._since + _WINDOW_SECONDS:
            self._since, self._written = now, 0
        if self._written < self.most:
            self._written += 1
            return True
        self._left_out += 1
        return False

    def take_left_out(self, *, now: float) -> int:
        """Return how many lines were left out, once their second is over; each is told once."""
        if now < self._since + _WINDOW_SECONDS:
            return 0
        told, self._left_out = self._left_out, 0
        return told
