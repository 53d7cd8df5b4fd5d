"""The log lines of calls that came to nothing: so many a second, however many calls there are."""

from dataclasses import dataclass, field

import anyio
import structlog

from tianji_core.calls.events import CallEvent
from tianji_core.limits.lines import LineLimit
from tianji_core.ports.clock import Clock
from tianji_core.ports.dispatcher import EventSink

MOST_LINES_A_SECOND = 20
_TELL_SECONDS = 1.0
_log = structlog.get_logger("tianji.refusals")


@dataclass(slots=True)
class RefusalLines:
    """Passes events on to the log, and leaves lines out of calls that ended before anything went upstream.

    How many these were, of each kind of error, is said; the metrics count them all. A kind is one of our classes, so there are few.
    """

    lines: EventSink
    clock: Clock
    _limits: dict[str, LineLimit] = field(default_factory=dict)

    def call_finished(self, event: CallEvent) -> None:
        """Pass the event on, or count it."""
        if event.error is None or event.went_upstream or self._limit(event.error.type).allows(now=self.clock.monotonic()):
            self.lines.call_finished(event)

    def tell(self) -> None:
        """Say how many lines were left out since the last time."""
        now = self.clock.monotonic()
        for kind, limit in self._limits.items():
            left_out = limit.take_left_out(now=now)
            if left_out:
                _log.warning("more calls were refused than lines are written for", error_type=kind, left_out=left_out)

    async def run(self) -> None:
        """Tell for ever."""
        while True:
            await anyio.sleep(_TELL_SECONDS)
            self.tell()

    def _limit(self, kind: str) -> LineLimit:
        return self._limits.setdefault(kind, LineLimit(MOST_LINES_A_SECOND))
