"""Time."""

from typing import Protocol


class Clock(Protocol):
    """Tells the time. The core gets it as an argument; only use cases and adapters ask."""

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something. A simulated clock moves it."""
        ...
