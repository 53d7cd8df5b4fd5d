"""The machine's own time."""

import time

import anyio


class SystemClock:
    """Implements the `Clock` port. `monotonic` is the event loop's time, so that a simulated loop moves it."""

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return the event loop's seconds; there must be one."""
        return anyio.current_time()
