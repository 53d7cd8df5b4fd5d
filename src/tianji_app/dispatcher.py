"""One event of each finished call, to everybody who takes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from tianji_core.calls.events import CallEvent
from tianji_core.ports.dispatcher import EventSink

_log = structlog.get_logger("tianji.dispatcher")


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Hands each event to every sink; one that fails does not keep the others from it."""

    sinks: Sequence[EventSink]

    def call_finished(self, event: CallEvent) -> None:
        """Pass the event on."""
        for sink in self.sinks:
            try:
                sink.call_finished(event)
            except Exception:  # noqa: BLE001 - an event must never fail the call that it tells of
                _log.exception("a sink failed", sink=type(sink).__name__, call_id=event.call_id)
