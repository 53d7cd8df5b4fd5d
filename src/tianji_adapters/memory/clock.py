"""A clock that stands until it is moved."""

from dataclasses import dataclass

_NS = 1_000_000_000


@dataclass(slots=True)
class FixedClock:
    """Implements the `Clock` port for tests and simulations."""

    at_ns: int = 1_767_225_600 * _NS  # 2026-01-01T00:00:00Z
    monotonic_seconds: float = 1_000.0

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC."""
        return self.at_ns

    def monotonic(self) -> float:
        """Return seconds that only `advance` moves."""
        return self.monotonic_seconds

    def advance(self, seconds: float) -> None:
        """Move both hands."""
        self.at_ns += round(seconds * _NS)
        self.monotonic_seconds += seconds
