"""Where finished calls go: logs, metrics, callbacks."""

from typing import Protocol

from tianji_core.calls.events import CallEvent


class EventSink(Protocol):
    """Takes the one event of each call. Never waits and never fails the call."""

    def call_finished(self, event: CallEvent) -> None: ...
