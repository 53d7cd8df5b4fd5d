"""One event of each finished call, to everybody who takes them: in the order of the calls, but not on their way."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import structlog

from tianji_core.calls.events import CallEvent
from tianji_core.ports.dispatcher import EventSink
from tianji_core.ports.operations import Exposition

MOST_WAITING = 256
_AT_ONCE = 32
_REST_SECONDS = 0.02
_log = structlog.get_logger("tianji.dispatcher")


def _nothing() -> None:
    return


@dataclass(slots=True)
class Dispatcher:
    """Hands each event to every sink; one that fails does not keep the others from it.

    Events wait for `run` or `drain`, which hand them on some at a time. None is ever left out: where more would wait than may, they are
    handed on there and then.

    Attributes:
        flush: Called when some events were handed on, for sinks that write in pieces.
    """

    sinks: Sequence[EventSink]
    flush: Callable[[], None] = _nothing
    _waiting: deque[CallEvent] = field(default_factory=deque)
    _wake: anyio.Event | None = None

    def call_finished(self, event: CallEvent) -> None:
        """Take the event."""
        self._waiting.append(event)
        if self._wake is not None:
            self._wake.set()
            self._wake = None
        if len(self._waiting) >= MOST_WAITING:
            self.drain()

    def drain(self) -> None:
        """Hand on every event that waits."""
        while self._waiting:
            self._some()

    async def run(self) -> None:
        """Hand on for ever: the first event after a pause at once, those that follow in company."""
        while True:
            if not self._waiting:
                self._wake = wake = anyio.Event()
                await wake.wait()
            while self._waiting:
                self._some()
                await anyio.lowlevel.checkpoint()
            await anyio.sleep(_REST_SECONDS)

    def _some(self) -> None:
        for _ in range(min(len(self._waiting), _AT_ONCE)):
            event = self._waiting.popleft()
            for sink in self.sinks:
                try:
                    sink.call_finished(event)
                except Exception:  # noqa: BLE001 - an event must never fail the call that it tells of
                    _log.exception("a sink failed", sink=type(sink).__name__, call_id=event.call_id)
        try:
            self.flush()
        except Exception:  # noqa: BLE001 - nor what is written of it
            _log.exception("the lines of calls could not be written")


@dataclass(frozen=True, slots=True)
class SettledMetrics:
    """Shows the metrics of every call that has ended, those included whose events still wait."""

    metrics: Exposition
    dispatcher: Dispatcher

    def render(self, accept: str | None) -> tuple[str, bytes]:
        """Return what the metrics show."""
        self.dispatcher.drain()
        return self.metrics.render(accept)
