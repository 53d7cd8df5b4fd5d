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
from support.scripted_transport import HANG, Script
from tianji_core.errors import (
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from tianji_core.ports.gateway import Inbound
from tianji_core.routing.settings import RouterSettings
from tianji_core.surfaces.anthropic_messages import SURFACE as MESSAGES
from tianji_core.translation.passing import PassingStream

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


KEEP_ALIVE = b": keep-alive\n\n"
BEGINNINGS = pytest.mark.parametrize("first", [(), (ROLE,)], ids=["silent after its head", "silent after its role"])


def broken_later(*first: bytes) -> Script:
    """Return a stream that is silent for a long time and then breaks."""
    return stream(*first, 40.0, UpstreamUnavailableError("reset"))


@BEGINNINGS
async def test_answer_without_content_is_committed_after_the_hold_and_not_retried_from_then_on(first: tuple[bytes, ...]) -> None:
    parts = make_parts(deployment("a"), deployment("b"))
    for host in "ab":
        parts.answer(host, broken_later(*first))
    began = anyio.current_time()
    async with opened(parts, streamed()) as answer:
        assert anyio.current_time() - began == pytest.approx(15)
        assert answer.keep_alive() == KEEP_ALIVE
        assert (b'"role"' if first else KEEP_ALIVE) in await anext(answer)
        assert anyio.current_time() - began == pytest.approx(15), "something leaves with the commit"
        pieces = [piece async for piece in answer]
        assert answer.keep_alive() is None, "the answer has ended"
    assert anyio.current_time() - began == pytest.approx(40)
    assert b"error" in pieces[-1]
    assert (len(parts.transport.sent), parts.event.http_status, parts.event.status) == (1, 200, "error")
    assert parts.transport.open_connections == 0


@BEGINNINGS
async def test_answer_that_fails_before_the_hold_is_over_goes_elsewhere(first: tuple[bytes, ...]) -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2))
    parts.answer("a", stream(*first, 14.0, UpstreamUnavailableError("reset")))
    parts.answer("b", good_stream("Hi"))
    assert (await fetch(parts, streamed())).text == "Hi"
    assert parts.transport.hosts == ["a", "b"]


@BEGINNINGS
async def test_content_after_the_commit_arrives_and_is_billed(first: tuple[bytes, ...]) -> None:
    parts = make_parts()
    parts.answer("a", stream(*first, 40.0, ROLE, chunk("Hi"), 20.0, chunk(" you"), END, DONE))
    answer = await fetch(parts, streamed())
    assert (answer.text, answer.is_terminated) == ("Hi you", True)
    row = await parts.row()
    assert (row.event.status, row.usage.output_total) == ("ok", 2)
    assert row.event.first_chunk_at_ns is not None
    assert round((row.event.first_chunk_at_ns - row.event.started_at_ns) / 1e9) == (0 if first else 40)


async def test_answer_that_ends_after_the_commit_before_its_content_is_cut_short() -> None:
    parts = make_parts()
    parts.answer("a", stream(20.0))
    assert error_of(await fetch(parts, streamed()))["code"] == "upstream_protocol_error"


async def test_limit_until_the_first_content_does_not_bind_what_was_committed() -> None:
    parts = make_parts(router=NO_RETRIES)
    parts.answer("a", stream(30.0, ROLE, chunk("Hi"), END, DONE))
    assert (await fetch(parts, streamed(stream_timeout=20))).text == "Hi"


async def test_hold_is_as_long_as_the_operator_says() -> None:
    parts = make_parts(router=RouterSettings(first_byte_hold_seconds=3))
    parts.answer("a", stream(HANG))
    began = anyio.current_time()
    async with opened(parts, streamed()):
        assert anyio.current_time() - began == pytest.approx(3)


async def test_committed_stream_may_be_silent_for_the_idle_time_and_no_longer() -> None:
    parts = make_parts(router=RouterSettings(stream_idle_seconds=20))
    parts.answer("a", stream(HANG))
    began = anyio.current_time()
    answer = await fetch(parts, streamed())
    assert anyio.current_time() - began == pytest.approx(35)
    assert error_of(answer)["code"] == "upstream_timeout"
    assert parts.transport.open_connections == 0


async def test_client_that_leaves_a_silent_committed_stream_pays_for_its_input() -> None:
    parts = make_parts()
    parts.answer("a", stream(HANG))
    with anyio.move_on_after(17):
        await fetch(parts, streamed())
    row = await parts.row()
    assert (row.event.status, row.usage.input_total, row.usage.output_total or 0) == ("cancelled", 9, 0)
    assert parts.log == ["opened", "sent a", "closed a", "settled"]


async def test_bug_while_an_answer_is_held_is_no_failed_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: PassingStream, data: bytes) -> list[Any]:
        raise KeyError("bug")

    monkeypatch.setattr(PassingStream, "feed", broken)
    parts = make_parts(deployment("a"), deployment("b"))
    for host in "ab":
        parts.answer(host, good_stream("Hi"))
    with pytest.raises(KeyError):
        await fetch(parts, streamed())
    assert (parts.event.status, parts.event.http_status, len(parts.transport.sent)) == ("error", 500, 1)
    assert parts.transport.open_connections == 0


async def test_messages_stream_is_begun_with_a_ping() -> None:
    parts = make_parts()
    parts.answer("a", stream(40.0, ROLE, chunk("Hi"), END, DONE))
    body = {"model": "fast", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}
    answer = await fetch(parts, inbound(body, surface=MESSAGES))
    assert answer.pieces[0].startswith(b"event: ping")
    assert answer.pieces[1].startswith(b"event: message_start")


async def test_times_of_the_event_are_those_of_the_call() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, 2.0, chunk("Hi"), 3.0, END, DONE, before=(1.0,)))
    await fetch(parts, streamed())
    told = parts.event
    instants = (told.upstream_started_at_ns, told.first_chunk_at_ns, told.upstream_ended_at_ns, told.ended_at_ns)
    assert [round(((at or 0) - told.started_at_ns) / 1e9, 3) for at in instants] == [0, 1, 6, 6]
