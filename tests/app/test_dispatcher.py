"""One event of each call, to everybody who takes them."""

import anyio
import pytest
import trio.testing
from structlog.testing import capture_logs

from support.gateway_parts import EventList
from support.stores import record
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.telemetry.prometheus import CallMetrics
from tianji_app.dispatcher import MOST_WAITING, Dispatcher, SettledMetrics
from tianji_core.calls.events import CallEvent

EVENTS = [record(number).event for number in range(1, 4)]
EVENT = EVENTS[0]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class Broken:
    """A sink that cannot take anything."""

    def call_finished(self, event: CallEvent) -> None:
        raise ValueError("no")


def test_every_sink_gets_every_event_in_order() -> None:
    first, second = EventList(), EventList()
    dispatcher = Dispatcher((first, second))
    for event in EVENTS:
        dispatcher.call_finished(event)
    assert first.events == []
    dispatcher.drain()
    dispatcher.drain()
    assert first.events == second.events == EVENTS


def test_sink_that_fails_keeps_nobody_else_from_the_event_and_is_named_in_the_log() -> None:
    after = EventList()
    dispatcher = Dispatcher((Broken(), after))
    with capture_logs() as lines:
        dispatcher.call_finished(EVENT)
        dispatcher.drain()
    assert after.events == [EVENT]
    assert [(line["log_level"], line["sink"], line["call_id"]) for line in lines] == [("error", "Broken", EVENT.call_id)]


def test_lines_that_cannot_be_written_are_told_and_lose_no_later_event() -> None:
    def fails() -> None:
        raise OSError("full")

    sink = EventList()
    dispatcher = Dispatcher((sink,), fails)
    with capture_logs() as lines:
        for event in EVENTS:
            dispatcher.call_finished(event)
            dispatcher.drain()
    assert sink.events == EVENTS
    assert [line["log_level"] for line in lines] == ["error"] * len(EVENTS)


def test_no_event_is_left_out_where_nobody_hands_them_on() -> None:
    sink = EventList()
    dispatcher = Dispatcher((sink,))
    for _ in range(3 * MOST_WAITING - 1):
        dispatcher.call_finished(EVENT)
    assert len(sink.events) == 2 * MOST_WAITING
    dispatcher.drain()
    assert len(sink.events) == 3 * MOST_WAITING - 1


@pytest.mark.anyio
async def test_event_after_a_pause_is_handed_on_at_once_and_those_that_follow_together() -> None:
    sink, sizes = EventList(), list[int]()
    dispatcher = Dispatcher((sink,), lambda: sizes.append(len(sink.events)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(dispatcher.run)
        await anyio.wait_all_tasks_blocked()
        for event in EVENTS:
            began = anyio.current_time()
            dispatcher.call_finished(event)
            await anyio.wait_all_tasks_blocked()
            assert anyio.current_time() == began
        assert sink.events == EVENTS[:1]
        await anyio.sleep(1)
        assert sizes == [1, 3]
        dispatcher.call_finished(EVENT)
        await anyio.wait_all_tasks_blocked()
        assert sizes == [1, 3, 4]
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_crowd_of_events_leaves_others_their_turn() -> None:
    sink, dispatcher = EventList(), Dispatcher(())
    dispatcher.sinks = (sink,)
    seen: list[int] = []

    async def other() -> None:
        while len(sink.events) < MOST_WAITING - 1:
            seen.append(len(sink.events))
            await anyio.lowlevel.checkpoint()

    for _ in range(MOST_WAITING - 1):
        dispatcher.call_finished(EVENT)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(dispatcher.run)
        await other()
        tasks.cancel_scope.cancel()
    assert len(set(seen)) > 3


def test_metrics_are_those_of_every_call_that_has_ended() -> None:
    metrics = CallMetrics(FixedClock())
    dispatcher = Dispatcher((metrics,))
    dispatcher.call_finished(EVENT)
    assert b"tianji_calls_total{" in SettledMetrics(metrics, dispatcher).render(None)[1]
