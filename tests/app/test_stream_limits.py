"""Streamed answers on a clock that moves when everybody waits: how long they may be silent, and how long they may last."""

from typing import Any

import anyio
import pytest
import trio.testing

from support.gateway_parts import (
    Answer,
    chat_body,
    deployment,
    fetch,
    inbound,
    make_parts,
    opened,
)
from support.provider_answers import DONE, END, ROLE, chunk, good_stream, stream
from support.scripted_transport import HANG
from tianji_core.errors import (
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from tianji_core.ports.gateway import Inbound
from tianji_core.routing.settings import RouterSettings

pytestmark = pytest.mark.anyio
NO_RETRIES = RouterSettings(num_retries=0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def streamed(**fields: Any) -> Inbound:
    return inbound(chat_body(stream=True, **fields))


def error_of(answer: Answer) -> dict[str, Any]:
    """Return the error event that a stream ends in."""
    value: dict[str, Any] = answer.chunks[-1]["error"]
    return value


async def test_silent_stream_is_cut_after_the_idle_time() -> None:
    parts = make_parts(router=RouterSettings(stream_idle_seconds=20))
    parts.answer("a", stream(ROLE, chunk("Hi"), 19.0, chunk(" you"), HANG))
    began = anyio.current_time()
    answer = await fetch(parts, streamed())
    assert answer.text == "Hi you"
    assert error_of(answer)["code"] == "upstream_timeout"
    assert anyio.current_time() - began == pytest.approx(39)
    assert parts.event.status == "error"


async def test_stream_that_never_ends_is_cut_at_the_longest_duration() -> None:
    parts = make_parts(router=RouterSettings(stream_idle_seconds=20, max_stream_seconds=60))
    parts.answer("a", stream(ROLE, *(step for _ in range(30) for step in (chunk("x"), 5.0))))
    began = anyio.current_time()
    answer = await fetch(parts, streamed())
    assert anyio.current_time() - began == pytest.approx(60)
    assert "longer than a stream may last" in error_of(answer)["message"]


async def test_slow_reader_does_not_make_the_provider_late() -> None:
    parts = make_parts(router=RouterSettings(stream_idle_seconds=20))
    parts.answer("a", good_stream("Hi", "you"))
    async with opened(parts, streamed()) as answer:
        async for _ in answer:
            await anyio.sleep(100)
    assert parts.event.status == "ok"


async def test_deadline_of_the_call_does_not_cut_a_running_stream() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("Hi"), 30.0, chunk(" you"), END, DONE))
    answer = await fetch(parts, streamed(timeout=5))
    assert (answer.text, answer.is_terminated) == ("Hi you", True)


async def test_stream_timeout_is_until_the_first_content() -> None:
    parts = make_parts(router=NO_RETRIES)
    parts.answer("a", stream(ROLE, 4.0, chunk("Hi"), END, DONE))
    with pytest.raises(UpstreamTimeoutError):
        await fetch(parts, streamed(stream_timeout=3))
    assert (await fetch(parts, streamed(stream_timeout=5))).text == "Hi"


async def test_answer_without_content_is_committed_after_the_hold_and_not_retried_from_then_on() -> None:
    parts = make_parts(deployment("a"), deployment("b"), router=RouterSettings(first_byte_hold_seconds=15))
    for host in "ab":
        parts.answer(host, stream(ROLE, 16.0, ROLE, 4.0, UpstreamUnavailableError("reset")))
    async with opened(parts, streamed()) as answer:
        assert answer.keep_alive() == b": keep-alive\n\n"
        pieces = [piece async for piece in answer]
        assert answer.keep_alive() is None, "the answer has ended"
    assert b"error" in pieces[-1]
    assert len(parts.transport.sent) == 1


async def test_times_of_the_event_are_those_of_the_call() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, 2.0, chunk("Hi"), 3.0, END, DONE, before=(1.0,)))
    await fetch(parts, streamed())
    told = parts.event
    instants = (told.upstream_started_at_ns, told.first_chunk_at_ns, told.upstream_ended_at_ns, told.ended_at_ns)
    assert [round(((at or 0) - told.started_at_ns) / 1e9, 3) for at in instants] == [0, 1, 6, 6]
