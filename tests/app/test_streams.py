"""Streamed answers: settled before their last piece, cut cleanly by either side, accounted in every case."""

from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.gateway_parts import (
    Answer,
    Parts,
    chat_body,
    deployment,
    fetch,
    inbound,
    leave_after,
    leave_when,
    make_parts,
    opened,
    read_into,
    until,
)
from support.provider_answers import COST_NANO, DONE, END, ROLE, chunk, good_stream, refusal, stream, usage_chunk, whole
from support.scripted_transport import HANG, Script
from tianji_core.errors import (
    UpstreamError,
    UpstreamOverloadedError,
    UpstreamProtocolError,
    UpstreamUnavailableError,
)
from tianji_core.ports.gateway import Inbound
from tianji_core.routing.settings import RouterSettings
from tianji_core.surfaces.anthropic_messages import SURFACE as MESSAGES

pytestmark = pytest.mark.anyio
NO_RETRIES = RouterSettings(num_retries=0)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def streamed(**fields: Any) -> Inbound:
    return inbound(chat_body(stream=True, **fields))


def error_of(answer: Answer) -> dict[str, Any]:
    """Return the error event that a stream ends in."""
    value: dict[str, Any] = answer.chunks[-1]["error"]
    return value


async def test_streamed_answer_arrives_piece_by_piece() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Good", " morning"))
    answer = await fetch(parts, streamed())
    assert answer.text == "Good morning"
    assert answer.is_terminated
    assert {piece["model"] for piece in answer.chunks} == {"fast"}
    assert answer.header("content-type") == "text/event-stream; charset=utf-8"
    assert answer.header("cache-control") == "no-cache"
    assert answer.header("content-length") is None
    assert answer.header("x-tianji-response-cost") is None
    assert len(answer.pieces) == 4, "role with the first text, second text, finish, terminator"


async def test_piece_leaves_before_the_next_one_comes() -> None:
    parts, gate = make_parts(), anyio.Event()
    parts.answer("a", stream(ROLE, chunk("Good"), gate, chunk(" morning"), END, DONE))
    async with opened(parts, streamed()) as answer:
        assert b"Good" in await anext(answer)
        gate.set()
        assert b" morning" in await anext(answer)


async def test_journal_has_the_row_when_the_terminator_is_handed_out() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi"))
    async with opened(parts, streamed()) as answer:
        async for piece in answer:
            is_last = piece.endswith(DONE)
            assert ("settled" in parts.log) == is_last
            assert len(parts.events) == int(is_last)
    row = await parts.row()
    assert (row.event.status, row.event.http_status, row.event.stream) == ("ok", 200, True)
    assert (row.cost.total_nano, row.usage_source, row.event.finish_reasons) == (COST_NANO, "provider", ("stop",))
    assert parts.log == ["opened", "sent a", "settled", "closed a"]


async def test_usage_is_asked_for_and_shown_only_to_who_asked() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi"))
    plain = await fetch(parts, streamed())
    assert not any(piece.get("usage") for piece in plain.chunks)
    asked = await fetch(parts, streamed(stream_options={"include_usage": True}))
    assert asked.chunks[-1]["usage"]["total_tokens"] == 15
    assert asked.chunks[-1]["choices"] == []
    assert all(sent.body["stream_options"] == {"include_usage": True} for sent in parts.transport.sent)


async def test_stream_without_usage_is_counted_and_marked() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("one two", " three", usage=None))
    await fetch(parts, streamed())
    row = await parts.row()
    assert (row.usage.input_total, row.usage.output_total, row.usage_source) == (2 + 4 + 3, 3, "estimated")
    assert row.cost.total_nano == 9 * 2_500 + 3 * 10_000
    assert set(parts.counter.encodings) == {"o200k_base"}


# --- the client leaves --------------------------------------------------------------------------------------------------


async def cancelled_row(parts: Parts) -> Any:
    row = await parts.row()
    assert row.event is parts.event
    assert parts.event.status == "cancelled"
    assert parts.event.error is not None
    assert parts.event.error.type == "client_gone"
    assert parts.transport.open_connections == 0
    return row


@pytest.mark.parametrize("is_stream", [False, True])
async def test_client_that_leaves_before_the_answer_pays_for_its_input(is_stream: bool) -> None:
    parts = make_parts()
    parts.answer("a", Script(before=(HANG,)))
    request = inbound(chat_body(stream=is_stream))
    assert await leave_when(parts, request, lambda: parts.transport.open_connections == 1) == []
    row = await cancelled_row(parts)
    assert (row.usage.input_total, row.usage.output_total or 0, row.usage_source) == (9, 0, "estimated")
    assert row.event.http_status == 499
    assert [attempt.outcome for attempt in row.event.attempts] == ["billed"]


async def test_client_that_leaves_while_the_answer_is_held_gets_nothing_and_pays_for_its_input() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, HANG))
    await leave_when(parts, streamed(), lambda: parts.transport.open_connections == 1)
    row = await cancelled_row(parts)
    assert row.usage.input_total == 9


async def test_client_that_leaves_in_the_middle_pays_for_what_came() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("one two"), chunk(" three four"), HANG))
    pieces = await leave_after(parts, streamed(), 2)
    assert b"three four" in pieces[-1]
    row = await cancelled_row(parts)
    assert (row.usage.input_total, row.usage.output_total, row.usage_source) == (9, 4, "estimated")
    assert row.event.http_status == 200, "what the client got"


async def test_client_that_leaves_while_a_piece_is_awaited_pays_for_what_came() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("one two"), HANG))
    seen: list[bytes] = []

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read_into, seen, parts, streamed())
        await until(lambda: bool(seen))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert (await cancelled_row(parts)).usage.output_total == 2


async def test_client_that_leaves_before_the_last_byte_is_cancelled_once() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi"))
    pieces = await leave_after(parts, streamed(), 2)
    assert b"stop" in pieces[-1]
    row = await cancelled_row(parts)
    assert row.event.finish_reasons == ("stop",)


async def test_client_that_leaves_with_the_last_byte_in_hand_has_a_complete_answer() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi"))
    pieces = await leave_after(parts, streamed(), 3)
    assert pieces[-1] == DONE
    assert ((await parts.row()).event.status, len(parts.events)) == ("ok", 1)


async def test_connection_is_closed_before_anything_is_counted() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("one"), HANG))
    await leave_after(parts, streamed(), 1)
    assert parts.log == ["opened", "sent a", "closed a", "settled"]


async def test_reader_that_stops_reading_is_a_client_that_left() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi"))
    async with opened(parts, streamed()) as answer:
        await anext(answer)
    await cancelled_row(parts)


@pytest.mark.parametrize(("problem", "status"), [(OSError("broken pipe"), "cancelled"), (KeyError("bug"), "error")])
async def test_what_breaks_the_relay_decides_the_status(problem: Exception, status: str) -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi"))

    async def relay() -> None:
        async with opened(parts, streamed()) as answer:
            await anext(answer)
            raise problem

    with pytest.raises(type(problem)):
        await relay()
    assert parts.event.status == status
    assert parts.transport.open_connections == 0


# --- the provider breaks off --------------------------------------------------------------------------------------------


async def test_truncated_stream_ends_in_an_error_event_without_a_terminator() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("one two")))
    answer = await fetch(parts, streamed())
    assert not answer.is_terminated
    error = error_of(answer)
    assert (error["type"], error["code"], error["request_id"]) == ("api_error", "upstream_protocol_error", parts.event.call_id)
    row = await parts.row()
    assert (row.event.status, row.usage.output_total, row.usage_source) == ("error", 2, "estimated")
    assert row.event.error is not None
    assert row.event.error.type == "upstream_protocol"


@pytest.mark.parametrize(
    ("break_", "code"),
    [
        (b'data: {"error": {"message": "overloaded", "type": "overloaded_error"}}\n\n', "upstream_overloaded"),
        (UpstreamUnavailableError("connection reset", provider="openai"), "upstream_error"),
        (b"data: {nonsense\n\n", "upstream_protocol_error"),
    ],
    ids=["in the stream", "of the connection", "of the protocol"],
)
async def test_error_in_the_middle_of_a_stream_is_told_once_and_never_retried(break_: Any, code: str) -> None:
    parts = make_parts(deployment("a"), deployment("b"))
    for host in "ab":
        parts.answer(host, stream(ROLE, chunk("one two"), break_, chunk("never seen"), END, DONE))
    answer = await fetch(parts, streamed())
    assert answer.text == "one two"
    assert error_of(answer)["code"] == code
    assert not answer.is_terminated
    assert (len(parts.transport.sent), parts.event.status, parts.event.retries) == (1, "error", 0)
    assert (await parts.row()).usage.output_total == 2


async def test_reported_usage_counts_where_it_is_more_than_what_came() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("one"), usage_chunk({"prompt_tokens": 100, "completion_tokens": 50}), UpstreamError("gone")))
    await fetch(parts, streamed())
    row = await parts.row()
    assert (row.usage.input_total, row.usage.output_total) == (100, 50)


async def test_what_came_counts_where_it_is_more_than_what_was_reported_so_far() -> None:
    parts = make_parts()
    early = usage_chunk({"prompt_tokens": 100, "completion_tokens": 1})
    parts.answer("a", stream(ROLE, early, chunk("one two three"), UpstreamError("gone")))
    await fetch(parts, streamed())
    row = await parts.row()
    assert (row.usage.input_total, row.usage.output_total, row.usage_source) == (100, 3, "estimated")


@pytest.mark.parametrize("last", [(END, DONE), (END, usage_chunk(), DONE), (END,)], ids=["done", "usage", "no terminator"])
async def test_connection_that_breaks_after_the_last_event_has_brought_a_whole_answer(last: tuple[bytes, ...]) -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("Hi"), *last, UpstreamUnavailableError("connection reset")))
    answer = await fetch(parts, streamed())
    assert (answer.text, answer.is_terminated, parts.event.status) == ("Hi", True, "ok")


async def test_messages_stream_ends_in_its_own_error_event() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, chunk("Hi")))
    body = {"model": "fast", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}
    answer = await fetch(parts, inbound(body, surface=MESSAGES))
    assert b"event: error" in answer.data
    assert b"message_stop" not in answer.data


async def test_bug_in_the_middle_of_a_stream_is_an_error_not_a_client_that_left() -> None:
    parts = make_parts()
    parts.answer("a", good_stream("Hi", "again"))

    class BrokenPath:
        def feed(self, data: bytes) -> list[Any]:
            raise KeyError("bug")

    async def relay() -> None:
        async with opened(parts, streamed()) as answer:
            await anext(answer)
            answer.answer.path = BrokenPath()  # type: ignore[attr-defined]
            await anext(answer)

    with pytest.raises(KeyError):
        await relay()
    assert (parts.event.status, parts.transport.open_connections) == ("error", 0)
    assert (await parts.row()).event.status == "error"


# --- before there is content --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        refusal(503),
        stream(),
        stream(ROLE, DONE),
        stream(ROLE, UpstreamOverloadedError("busy", status=529)),
        stream(ROLE, b'data: {"error": {"message": "busy", "type": "overloaded_error"}}\n\n'),
        Script(before=(UpstreamUnavailableError("refused", sent=False),)),
    ],
    ids=["status", "empty", "no content", "broken", "error event", "no connection"],
)
async def test_stream_that_fails_before_its_content_goes_to_another_deployment(first: Script) -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2))
    parts.answer("a", first)
    parts.answer("b", good_stream("Hi"))
    answer = await fetch(parts, streamed())
    assert (answer.text, answer.is_terminated, parts.transport.hosts) == ("Hi", True, ["a", "b"])
    assert answer.header("x-tianji-attempted-retries") == "1"
    row = await parts.row()
    assert (row.cost.total_nano, row.event.retries, row.event.deployment_id) == (COST_NANO, 1, "b")
    assert [attempt.outcome for attempt in row.event.attempts][1] == "billed"


async def test_answer_that_is_only_an_end_is_an_answer() -> None:
    parts = make_parts()
    parts.answer("a", stream(ROLE, END, DONE))
    answer = await fetch(parts, streamed())
    assert (answer.text, answer.is_terminated) == ("", True)


async def test_stream_without_content_is_an_error_before_anything_left() -> None:
    parts = make_parts(router=NO_RETRIES)
    parts.answer("a", stream(ROLE, DONE))
    with pytest.raises(UpstreamError):
        await fetch(parts, streamed())
    assert parts.event.http_status == 502
    assert ((await parts.row()).cost.total_nano, parts.transport.open_connections) == (0, 0)


async def test_whole_answer_where_a_stream_was_asked_for_is_a_protocol_error() -> None:
    parts = make_parts(router=NO_RETRIES)
    parts.answer("a", whole())
    with pytest.raises(UpstreamProtocolError):
        await fetch(parts, streamed())


# --- any cut, any moment ------------------------------------------------------------------------------------------------

TEXTS = ["Good", " morning", " to", " you"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cut_of_the_bytes_changes_neither_the_answer_nor_the_bill(data: st.DataObject) -> None:
    body = b"".join(step for step in good_stream(*TEXTS).body if isinstance(step, bytes))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(body) - 1), max_size=8)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    async def call() -> None:
        parts = make_parts()
        parts.answer("a", stream(*pieces))
        answer = await fetch(parts, streamed())
        assert (answer.text, answer.is_terminated, parts.event.cost.total_nano) == ("".join(TEXTS), True, COST_NANO)

    anyio.run(call)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40))
def test_client_may_leave_at_any_step(steps: int) -> None:
    async def call() -> None:
        parts = make_parts()
        parts.answer("a", good_stream(*TEXTS))
        taken: list[bytes] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read_into, taken, parts, streamed())
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert parts.transport.open_connections == 0
        if not parts.events:
            assert parts.log == [], "cancelled before it began"
            return
        rows = await parts.rows()
        assert len(rows) == parts.log.count("settled") <= 1
        assert bool(rows) or "sent a" not in parts.log, "what went up is accounted"
        assert (parts.event.status == "ok") >= (taken[-1:] == [DONE])

    anyio.run(call, backend="trio")


async def test_stream_in_the_callers_own_dialect_keeps_the_providers_bytes() -> None:
    spaced = b'data: {"id": "c",  "created":1, "model":"up", "choices":[{"index":0,"delta":{"content":"Hi"}}], "x": 1.50}\n\n'
    parts = make_parts()
    parts.answer("a", stream(spaced, END, DONE))
    answer = await fetch(parts, streamed())
    assert answer.pieces[0] == spaced.replace(b'"up"', b'"fast"')
    assert answer.is_terminated
    assert parts.event.usage_source == "estimated"
