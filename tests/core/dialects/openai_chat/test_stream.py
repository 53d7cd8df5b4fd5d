"""Streamed answers: decoded at any cut, encoded again, and honest about truncation."""

import json
import random
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.chat import FACTS
from tianji_core.calls.chat import (
    ChatChunk,
    ChoiceDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCallStart,
)
from tianji_core.calls.usage import Usage
from tianji_core.dialects.openai_chat import Quirks
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.stream_decode import ChatStreamDecoder
from tianji_core.dialects.openai_chat.stream_encode import ChatStreamEncoder
from tianji_core.errors import TianjiError, UpstreamProtocolError, UpstreamRateLimitedError


def _event(**chunk: object) -> bytes:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "up"}
    return b"data: " + json.dumps({**head, **chunk}).encode() + b"\n\n"


def _delta(delta: dict[str, object], finish: str | None = None, index: int = 0) -> bytes:
    return _event(choices=[{"index": index, "delta": delta, "finish_reason": finish}])


def _decoder(**quirks: object) -> ChatStreamDecoder:
    return ChatStreamDecoder(ProviderMemo(facts=FACTS, provider="acme", model="m", quirks=Quirks(**quirks)))  # type: ignore[arg-type]


_TOOLS = (
    _delta({"role": "assistant", "content": None})
    + _delta({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]})
    + _delta({"tool_calls": [{"index": 0, "function": {"arguments": '{"x":'}}]})
    + _delta({"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}]})
    + _delta({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]})
    + _delta({}, "tool_calls")
    + _event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13})
    + b"data: [DONE]\n\n"
)


def test_parallel_tool_calls_arrive_by_index() -> None:
    decoder = _decoder()
    chunks = [*decoder.feed(_TOOLS), *decoder.close()]
    deltas = [delta for chunk in chunks for choice in chunk.choices for delta in choice.deltas]
    assert deltas == [
        ToolCallStart(index=0, id="a", name="f"),
        ToolArgumentsDelta(index=0, arguments='{"x":'),
        ToolCallStart(index=1, id="b", name="g"),
        ToolArgumentsDelta(index=1, arguments="{}"),
        ToolArgumentsDelta(index=0, arguments="1}"),
    ]
    assert chunks[-1].usage == Usage(input_text=9, output_text=4)
    assert chunks[-2].choices[0].finish_reason == "tool_calls"


@given(st.lists(st.integers(0, len(_TOOLS)), max_size=12))
def test_any_cutting_gives_the_same_chunks(cuts: list[int]) -> None:
    decoder, whole = _decoder(), _decoder()
    places = [0, *sorted(cuts), len(_TOOLS)]
    pieces = [_TOOLS[start:end] for start, end in pairwise(places)]
    assert [chunk for piece in pieces for chunk in decoder.feed(piece)] == whole.feed(_TOOLS)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_arrives_under_the_servers_name(field: str) -> None:
    decoder = _decoder(reasoning_field=field)
    (chunk,) = decoder.feed(_delta({field: "hm"}))
    assert chunk.choices[0].deltas == (ThinkingDelta(text="hm"),)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        _delta({"content": "a"}),
        _delta({"content": "a"}, "stop")[:-2],
        _delta({"content": "a"}, "stop", index=0) + _delta({"content": "b"}, index=1),
    ],
)
def test_stream_cut_before_its_final_event_says_so(stream: bytes) -> None:
    decoder = _decoder()
    decoder.feed(stream)
    with pytest.raises(UpstreamProtocolError, match="acme ended the stream before its final event"):
        decoder.close()


def test_stream_without_the_terminator_is_complete_when_every_choice_finished() -> None:
    decoder = _decoder()
    decoder.feed(_delta({"content": "a"}, "stop"))
    assert decoder.close() == []


def test_error_leaves_after_the_chunks_before_it() -> None:
    decoder = _decoder()
    chunks = decoder.feed(_delta({"content": "a"}) + b'data: {"error":{"message":"slow down","code":429}}\n\n')
    assert len(chunks) == 1
    with pytest.raises(UpstreamRateLimitedError, match="acme: slow down"):
        decoder.feed(b"")
    with pytest.raises(UpstreamRateLimitedError):
        decoder.close()


def test_missing_ids_are_functions_of_the_call() -> None:
    piece = b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}\n\n'
    first, second = _decoder().feed(piece), _decoder().feed(piece)
    assert first == second
    start = first[0].choices[0].deltas[0]
    assert isinstance(start, ToolCallStart)
    assert start.id.startswith("call_")
    assert first[0].choices[0].finish_reason == "tool_calls"


@pytest.mark.promise("bad-input-answered")
@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    decoder = _decoder()
    try:
        decoder.feed(b"data: " + data)
        decoder.feed(b"\n\n")
        decoder.close()
    except TianjiError as error:
        assert error.provider == "acme" or "larger" in error.message  # noqa: PT017 - both outcomes are right


@pytest.mark.promise("bad-input-answered")
def test_mutated_streams_are_decoded_or_refused() -> None:
    rng = random.Random(7)
    for _ in range(2000):
        data = bytearray(_TOOLS)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        decoder = _decoder()
        try:
            decoder.feed(bytes(data))
            decoder.close()
        except TianjiError as error:
            assert error.message  # noqa: PT017 - both outcomes are right


# --- to the client ------------------------------------------------------------------------------------------------------


def _encoded(chunks: list[ChatChunk], **memo: object) -> list[dict[str, object] | str]:
    encoder = ChatStreamEncoder(SurfaceMemo(model="asked", **memo))  # type: ignore[arg-type]
    data = b"".join(event.data for chunk in chunks for event in encoder.feed(chunk)) + b"".join(event.data for event in encoder.close())
    texts = [line.removeprefix(b"data: ") for line in data.split(b"\n\n") if line]
    return [text.decode() if text == b"[DONE]" else msgspec.json.decode(text) for text in texts]


def _chunk(*deltas: object, finish: str | None = None, usage: Usage | None = None) -> ChatChunk:
    choice = ChoiceDelta(deltas=deltas, finish_reason=finish)  # type: ignore[arg-type]
    return ChatChunk(id="c1", created=5, model="up", choices=(choice,), usage=usage)


def test_usage_is_hidden_unless_the_client_asked_for_it() -> None:
    chunks = [
        _chunk(TextDelta(text="a"), finish="stop"),
        ChatChunk(id="c1", created=5, model="up", usage=Usage(input_text=1, output_text=2)),
    ]
    quiet = _encoded(chunks)
    asked = _encoded(chunks, include_usage=True)
    assert [part if isinstance(part, str) else "usage" in part for part in quiet] == [False, "[DONE]"]
    assert asked[1] == {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 5,
        "model": "asked",
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }


def test_signature_and_thinking_are_shown_to_openai_clients() -> None:
    (first, second, _) = _encoded([_chunk(ThinkingDelta(text="hm")), _chunk(SignatureDelta(signature="s"))])
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["choices"][0]["delta"] == {  # type: ignore[index]
        "reasoning_content": "hm",
        "thinking_blocks": [{"type": "thinking", "thinking": "hm"}],
    }
    assert second["choices"][0]["delta"] == {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s"}]}  # type: ignore[index]


def test_role_only_chunk_does_not_commit_the_answer_and_text_does() -> None:
    encoder = ChatStreamEncoder(SurfaceMemo(model="m"))
    role = ChatChunk(id="c", created=1, model="m", choices=(ChoiceDelta(role="assistant"),))
    assert [event.content for event in encoder.feed(role)] == [False]
    assert [event.content for event in encoder.feed(_chunk(TextDelta(text="a")))] == [True]
    assert [event.content for event in encoder.feed(_chunk(finish="stop"))] == [True]


def test_old_clients_get_a_function_call() -> None:
    chunk = _chunk(ToolCallStart(index=0, id="a", name="f"), ToolArgumentsDelta(index=0, arguments="{}"), finish="tool_calls")
    (value, _) = _encoded([chunk], legacy_functions=True)
    assert isinstance(value, dict)
    assert value["choices"][0]["delta"]["function_call"] == {"name": "f", "arguments": "{}"}  # type: ignore[index]
    assert value["choices"][0]["finish_reason"] == "function_call"  # type: ignore[index]


def test_error_is_one_event_without_a_terminator() -> None:
    encoder = ChatStreamEncoder(SurfaceMemo(model="m"))
    (event,) = encoder.error(UpstreamProtocolError("cut"), "req-1")
    value = msgspec.json.decode(event.data.removeprefix(b"data: "))
    assert value["error"]["code"] == "upstream_protocol_error"
    assert value["error"]["request_id"] == "req-1"
