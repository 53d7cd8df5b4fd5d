"""The calls under way: how many there may be, who waits for a place and until when, and how all of them are ended."""

from functools import partial

import anyio
import anyio.lowlevel
import msgspec
import pytest
import trio.testing

from support.gateway_parts import Parts, chat_body, fetch, inbound, leave_when, make_parts, opened, refused, until
from support.provider_answers import ROLE, chunk, good_stream, refusal, stream, whole
from support.scripted_transport import HANG, Script
from tianji_app.in_flight import InFlight
from tianji_core.calls.http import Headers
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.errors import (
    DeadlineExceededError,
    InvalidRequestError,
    MethodNotAllowedError,
    OverloadedError,
    ShuttingDownError,
    TianjiError,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ignore(error: TianjiError) -> None:
    """Do nothing about the end."""


def small(in_flight: int, queued: int) -> GeneralSettings:
    return GeneralSettings(max_in_flight=in_flight, max_queued=queued)


def busy(queued: int = 10) -> Parts:
    """Return a gateway that carries one call at a time."""
    parts = make_parts()
    parts.gateway.in_flight.follow(small(1, queued))
    return parts


async def test_call_counts_from_its_opening_to_its_end() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi"), whole())
    assert parts.gateway.in_flight.count == 0
    async with opened(parts, inbound(chat_body(stream=True))) as first:
        assert parts.gateway.in_flight.count == 1
        async with opened(parts, inbound()):
            assert parts.gateway.in_flight.count == 2
        assert [piece async for piece in first]
        assert parts.gateway.in_flight.count == 1
    assert parts.gateway.in_flight.count == 0


async def test_refused_call_does_not_count_on() -> None:
    parts = make_parts()
    parts.answer("a", refusal(400))
    with pytest.raises(InvalidRequestError):
        await fetch(parts)
    assert parts.gateway.in_flight.count == 0


async def test_call_that_hangs_counts_until_its_client_leaves() -> None:
    parts = make_parts()
    parts.answer("a", Script(before=(HANG,)))
    seen: list[int] = []

    def is_waiting() -> bool:
        seen.append(parts.gateway.in_flight.count)
        return bool(parts.transport.sent)

    with anyio.fail_after(10):
        await leave_when(parts, inbound(), is_waiting)
    assert seen[-1] == 1
    assert parts.gateway.in_flight.count == 0


# --- the queue ----------------------------------------------------------------------------------------------------------


async def test_places_are_given_in_the_order_of_coming() -> None:
    places = InFlight(max_in_flight=1, max_queued=10)
    assert places.enter("first", ignore)
    order: list[str] = []

    async def wait(call_id: str) -> None:
        await places.wait(call_id, ignore, seconds=60)
        order.append(call_id)
        places.leave(call_id)

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(wait, str(number))
            await until(lambda expected=number + 1: places.queued == expected)  # type: ignore[misc]
        assert not places.enter("late", ignore)
        places.leave("first")
    assert order == ["0", "1", "2", "3", "4"]
    assert (places.count, places.queued) == (0, 0)


async def test_queue_is_bounded() -> None:
    places = InFlight(max_in_flight=1, max_queued=1)
    assert places.enter("1", ignore)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(places.wait, "2", ignore, seconds=60))
        await until(lambda: places.queued == 1)
        with pytest.raises(OverloadedError) as raised:
            await places.wait("3", ignore, seconds=60)
        assert raised.value.retry_after_seconds == 1.0
        places.leave("1")
    assert (places.count, places.queued) == (1, 0)


async def test_place_that_was_given_to_one_who_left_goes_to_the_next() -> None:
    places, has_place = InFlight(max_in_flight=1, max_queued=10), list[str]()
    assert places.enter("1", ignore)

    async def hold(call_id: str) -> None:
        try:
            await places.wait(call_id, ignore, seconds=60)
            await anyio.lowlevel.checkpoint()
            has_place.append(call_id)
        finally:
            places.leave(call_id)

    async with anyio.create_task_group() as tasks, anyio.create_task_group() as leaving:
        leaving.start_soon(hold, "2")
        await until(lambda: places.queued == 1)
        tasks.start_soon(hold, "3")
        await until(lambda: places.queued == 2)
        places.leave("1")
        leaving.cancel_scope.cancel()
    assert has_place == ["3"]
    assert (places.count, places.queued) == (0, 0)


async def test_more_places_are_given_at_once_and_fewer_cost_nobody_his() -> None:
    places = InFlight(max_in_flight=1, max_queued=10)
    assert places.enter("1", ignore)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(places.wait, "2", ignore, seconds=60))
        await until(lambda: places.queued == 1)
        places.follow(small(2, 0))
        assert (places.count, places.queued) == (2, 0)
    places.follow(small(1, 0))
    assert places.count == 2
    places.leave("1")
    assert not places.enter("3", ignore)
    places.leave("2")
    assert places.enter("3", ignore)


async def test_waiting_call_asks_no_key_and_reads_no_body_and_is_answered_in_its_turn() -> None:
    parts, read = busy(), list[str]()
    parts.answer("a", good_stream("Hi"), whole())

    async def body() -> bytes:
        read.append("body")
        return b'{"model": "fast", "messages": [{"role": "user", "content": "hello there"}]}'

    async with anyio.create_task_group() as tasks, opened(parts, inbound(chat_body(stream=True))):
        asked = len(parts.keys.asked)
        tasks.start_soon(fetch, parts, inbound(read_body=body, key="sk-unknown-0123456789abcdef"))
        await until(lambda: parts.gateway.in_flight.queued == 1)
        await anyio.wait_all_tasks_blocked()
        assert (len(parts.keys.asked), read) == (asked, [])
        tasks.cancel_scope.cancel()
    assert parts.gateway.in_flight.queued == 0


async def test_call_gets_its_place_when_the_one_before_has_settled() -> None:
    parts, texts = busy(), list[str]()
    parts.answer("a", good_stream("Hi"), whole("second"))

    async def second() -> None:
        texts.append((await fetch(parts)).text)

    async with anyio.create_task_group() as tasks, opened(parts, inbound(chat_body(stream=True))) as first:
        tasks.start_soon(second)
        await until(lambda: parts.gateway.in_flight.queued == 1)
        assert [piece async for piece in first]
        assert len(parts.events) == 1
        assert len(parts.transport.sent) == 1
    assert texts == ["second"]
    assert len(await parts.rows()) == 2


@pytest.mark.promise("overload-told")
async def test_call_beyond_the_queue_is_refused_before_anything_is_asked() -> None:
    parts = busy(queued=0)
    parts.answer("a", good_stream("Hi"))
    async with opened(parts, inbound(chat_body(stream=True))) as first:
        asked = len(parts.keys.asked)
        error = await refused(parts, inbound(key="sk-unknown-0123456789abcdef"), OverloadedError)
        assert (error.code, error.retry_after_seconds) == ("overloaded", 1.0)
        assert parts.event.http_status == 503
        assert len(parts.keys.asked) == asked
        assert [piece async for piece in first]


async def test_what_is_refused_whoever_asks_needs_no_place() -> None:
    parts = busy(queued=0)
    parts.answer("a", good_stream("Hi"))
    async with opened(parts, inbound(chat_body(stream=True))) as first:
        wrong = msgspec.structs.replace(inbound(), refusal=MethodNotAllowedError("no"))
        await refused(parts, wrong, MethodNotAllowedError)
        assert [piece async for piece in first]


async def test_client_that_leaves_gives_up_its_wish() -> None:
    parts = busy()
    parts.answer("a", good_stream("Hi"))
    async with opened(parts, inbound(chat_body(stream=True))) as first:
        await leave_when(parts, inbound(), lambda: parts.gateway.in_flight.queued == 1)
        assert (parts.gateway.in_flight.count, parts.gateway.in_flight.queued) == (1, 0)
        assert parts.event.status == "cancelled"
        assert [piece async for piece in first]


# --- time ---------------------------------------------------------------------------------------------------------------


class TestTime:
    """On a clock that jumps."""

    @pytest.fixture
    def anyio_backend(self) -> tuple[str, dict[str, object]]:
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}

    @pytest.mark.parametrize(("headers", "seconds"), [((("x-tianji-timeout", "7"),), 7), ((), 600)])
    async def test_call_whose_time_runs_out_leaves_the_queue(self, headers: Headers, seconds: float) -> None:
        parts = busy()
        parts.answer("a", good_stream("Hi"))
        async with opened(parts, inbound(chat_body(stream=True))) as first:
            began = anyio.current_time()
            await refused(parts, inbound(headers=headers), DeadlineExceededError)
            assert anyio.current_time() - began == seconds
            assert (parts.event.http_status, parts.gateway.in_flight.queued) == (504, 0)
            assert [piece async for piece in first]

    async def test_time_in_the_queue_is_time_of_the_call(self) -> None:
        parts = busy()
        parts.answer("a", good_stream("Hi"), Script(before=(HANG,)))
        began = anyio.current_time()

        async def second() -> None:
            with pytest.raises(TianjiError):
                await fetch(parts, inbound(chat_body(num_retries=0), headers=(("x-tianji-timeout", "10"),)))

        async with anyio.create_task_group() as tasks:
            async with opened(parts, inbound(chat_body(stream=True))):
                tasks.start_soon(second)
                await anyio.sleep(6)
            assert parts.gateway.in_flight.queued == 0
        assert anyio.current_time() - began == 10


# --- the end ------------------------------------------------------------------------------------------------------------


def the_end() -> ShuttingDownError:
    return ShuttingDownError("the gateway is shutting down")


@pytest.mark.promise("graceful-shutdown")
async def test_stream_that_is_cut_is_told_so_and_settled() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("Good"), HANG))
    pieces: list[bytes] = []
    async with opened(parts, inbound(chat_body(stream=True))) as answer, anyio.create_task_group() as tasks:
        pieces.append(await anext(answer))

        async def read_on() -> None:
            pieces.extend([piece async for piece in answer])

        tasks.start_soon(read_on)
        await anyio.wait_all_tasks_blocked()
        parts.gateway.in_flight.cut(the_end)
    assert b'"code":"shutting_down"' in pieces[-1]
    assert b"[DONE]" not in b"".join(pieces)
    row = await parts.row()
    assert (row.event.status, row.event.usage_source) == ("error", "estimated")
    assert row.event.usage.output_total


@pytest.mark.promise("graceful-shutdown")
async def test_call_without_an_answer_is_refused_when_it_is_cut_and_settled() -> None:
    parts = make_parts()
    parts.answer("a", Script(before=(HANG,)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(refused, parts, inbound(), ShuttingDownError))
        await until(lambda: bool(parts.transport.sent))
        await anyio.wait_all_tasks_blocked()
        parts.gateway.in_flight.cut(the_end)
    assert parts.gateway.in_flight.count == 0
    assert len(await parts.rows()) == 1


@pytest.mark.promise("graceful-shutdown")
async def test_waiting_call_is_refused_when_all_are_cut_and_none_begins_any_more() -> None:
    parts = busy()
    parts.answer("a", stream(ROLE, chunk("Hi"), HANG))
    async with opened(parts, inbound(chat_body(stream=True))) as answer, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(refused, parts, inbound(), ShuttingDownError))
        await until(lambda: parts.gateway.in_flight.queued == 1)
        parts.gateway.in_flight.cut(the_end)
        assert b"shutting_down" in b"".join([piece async for piece in answer])
    with pytest.raises(ShuttingDownError):
        await fetch(parts, inbound())
    assert parts.gateway.in_flight.count == 0
