"""One event of each call, to everybody who takes them."""

from structlog.testing import capture_logs

from support.gateway_parts import EventList
from support.stores import record
from tianji_app.dispatcher import Dispatcher
from tianji_core.calls.events import CallEvent

EVENT = record(1).event


class Broken:
    """A sink that cannot take anything."""

    def call_finished(self, event: CallEvent) -> None:
        raise ValueError("no")


def test_every_sink_gets_every_event_in_order() -> None:
    first, second = EventList(), EventList()
    dispatcher = Dispatcher((first, second))
    other = record(2).event
    dispatcher.call_finished(EVENT)
    dispatcher.call_finished(other)
    assert first.events == second.events == [EVENT, other]


def test_sink_that_fails_keeps_nobody_else_from_the_event_and_is_named_in_the_log() -> None:
    after = EventList()
    with capture_logs() as lines:
        Dispatcher((Broken(), after)).call_finished(EVENT)
    assert after.events == [EVENT]
    assert [(line["log_level"], line["sink"], line["call_id"]) for line in lines] == [("error", "Broken", EVENT.call_id)]
