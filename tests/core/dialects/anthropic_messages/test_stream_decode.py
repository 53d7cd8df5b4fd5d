"""Streamed answers of Anthropic: decoded at any cut, and honest about truncation."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.chat import FACTS
from tianji_core.calls.chat import (
    AnnotationsDelta,
    ChatChunk,
    CitationDelta,
    Delta,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    Rest,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCallStart,
)
from tianji_core.calls.usage import Usage
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.stream_decode import MessagesStreamDecoder
from tianji_core.errors import UpstreamOverloadedError, UpstreamProtocolError

_GOLDEN = ("two_tools_with_thinking", "empty_arguments")
_CITATION = {"type": "web_search_result_location", "url": "https://x", "title": "X"}


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _block(number: int, block: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    middle = b"".join(_event("content_block_delta", index=number, delta=delta) for delta in deltas)
    return _event("content_block_start", index=number, content_block=block) + middle + _event("content_block_stop", index=number)


_START = _event(
    "message_start", message={"id": "msg_1", "model": "claude", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}}
)
_STOP = _event("message_stop")


def _end(word: str = "end_turn", **more: Any) -> bytes:
    return _event("message_delta", delta={"stop_reason": word, "stop_sequence": None, **more}, usage={"output_tokens": 4}) + _STOP


def _decoder(**memo: Any) -> MessagesStreamDecoder:
    return MessagesStreamDecoder(ProviderMemo(facts=FACTS, provider="acme", model="up", **memo))


def _chunks(data: bytes, **memo: Any) -> list[ChatChunk]:
    decoder = _decoder(**memo)
    return [*decoder.feed(data), *decoder.close()]


def _deltas(data: bytes, **memo: Any) -> list[Delta]:
    return [delta for chunk in _chunks(_START + data + _end(), **memo) for choice in chunk.choices for delta in choice.deltas]


def test_parallel_tools_with_thinking_and_signature(golden: Callable[[str], bytes]) -> None:
    chunks = _chunks(golden("two_tools_with_thinking"))
    assert [delta for chunk in chunks for choice in chunk.choices for delta in choice.deltas] == [
        ThinkingDelta(text="Look ", block=0),
        ThinkingDelta(text="both up.", block=0),
        SignatureDelta(signature="c2lnbmF0dXJl", block=0),
        TextDelta(text="Checking Oslo and ", block=1),
        TextDelta(text="Tromsø.", block=1),
        ToolCallStart(index=0, id="toolu_01", name="get_weather"),
        ToolArgumentsDelta(index=0, arguments='{"city":'),
        ToolArgumentsDelta(index=0, arguments=' "Oslo"}'),
        ToolCallStart(index=1, id="toolu_02", name="get_weather"),
        ToolArgumentsDelta(index=1, arguments='{"city": "Tromsø", "days": 1.50}'),
    ]
    assert chunks[0].choices[0].role == "assistant"
    last = chunks[-1]
    assert (last.choices[0].finish_reason, last.choices[0].native_finish_reason) == ("tool_calls", "tool_use")
    assert last.usage == Usage(
        input_text=20,
        cache_read=400,
        cache_write_5m=60,
        cache_write_1h=40,
        output_text=32,
        reasoning=10,
        service_tier="standard",
        region="global",
    )
    assert {(chunk.id, chunk.model, chunk.created) for chunk in chunks} == {("msg_01G", "claude-opus-5-5", FACTS.created)}


def test_call_without_arguments_has_an_empty_object(golden: Callable[[str], bytes]) -> None:
    chunks = _chunks(golden("empty_arguments"))
    assert [delta for chunk in chunks for choice in chunk.choices for delta in choice.deltas] == [
        ToolCallStart(index=0, id="toolu_03", name="now"),
        ToolArgumentsDelta(index=0, arguments="{}"),
    ]


def test_error_comes_after_what_was_said_before_it(golden: Callable[[str], bytes]) -> None:
    decoder = _decoder()
    chunks = decoder.feed(golden("error_mid_stream"))
    assert chunks[-1].choices[0].deltas == (TextDelta(text="It is", block=0),)
    with pytest.raises(UpstreamOverloadedError) as caught:
        decoder.feed(b"")
    assert caught.value.message == "acme: Overloaded"
    with pytest.raises(UpstreamOverloadedError):
        decoder.close()


@pytest.mark.parametrize("name", _GOLDEN)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cutting_gives_the_same_chunks(golden: Callable[[str], bytes], name: str, data: st.DataObject) -> None:
    stream = golden(name)
    places = [0, *sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12))), len(stream)]
    decoder = _decoder()
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert [chunk for piece in pieces for chunk in decoder.feed(piece)] == _chunks(stream)
    assert decoder.close() == []


@pytest.mark.parametrize("name", _GOLDEN)
def test_every_truncation_is_told(golden: Callable[[str], bytes], name: str) -> None:
    stream = golden(name)
    for cut in range(len(stream) - 1):
        decoder = _decoder()
        decoder.feed(stream[:cut])
        with pytest.raises(UpstreamProtocolError):
            decoder.close()


@pytest.mark.parametrize(
    ("data", "deltas"),
    [
        (_block(0, {"type": "text", "text": "a"}, {"type": "text_delta", "text": "b"}), [TextDelta(text="a"), TextDelta(text="b")]),
        (_block(0, {"type": "text", "text": ""}), [OpaqueDelta(dialect=DIALECT, value={"type": "text", "text": ""})]),
        (
            _block(0, {"type": "thinking", "thinking": "", "signature": ""}),
            [OpaqueDelta(dialect=DIALECT, value={"type": "thinking", "thinking": "", "signature": ""})],
        ),
        (_block(2, {"type": "thinking", "thinking": "", "signature": "s"}), [SignatureDelta(signature="s", block=2)]),
        (_block(1, {"type": "redacted_thinking", "data": "d"}), [RedactedThinkingDelta(data="d", block=1)]),
        (
            _block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
            [ToolCallStart(index=0, id="t", name="f"), ToolArgumentsDelta(index=0, arguments='{"a":1}')],
        ),
        (
            _block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}}),
            [
                ToolCallStart(index=0, id="t", name="f", rest=Rest(DIALECT, {"caller": {"type": "direct"}})),
                ToolArgumentsDelta(index=0, arguments="{}"),
            ],
        ),
        (
            _block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "It "})
            + _block(
                1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "is."}, {"type": "citations_delta", "citation": _CITATION}
            ),
            [
                TextDelta(text="It "),
                TextDelta(text="is.", block=1),
                CitationDelta(citation=_CITATION, block=1),
                AnnotationsDelta(
                    annotations=(
                        {
                            "type": "url_citation",
                            "url_citation": {"url": "https://x", "title": "X", "start_index": 3, "end_index": 6},
                        },
                    )
                ),
            ],
        ),
        (
            _block(
                0,
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "input_json_delta", "partial_json": '{"query":'},
                {"type": "input_json_delta", "partial_json": ' "q"}'},
            ),
            [OpaqueDelta(dialect=DIALECT, value={"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}})],
        ),
        (
            _block(0, {"type": "compaction", "content": "a"}, {"type": "compaction_delta", "content": "b"}),
            [OpaqueDelta(dialect=DIALECT, value={"type": "compaction", "content": "ab"})],
        ),
        (_event("ping") + _event("brand_new", x=1) + b": comment\n\n", []),
        (_block(0, {"type": "text", "text": "a"}, {"type": "brand_new_delta", "x": 1}), [TextDelta(text="a")]),
    ],
)
def test_each_kind_of_block_has_its_deltas(data: bytes, deltas: list[Delta]) -> None:
    assert _deltas(data) == deltas


def test_caller_gets_its_own_tool_names_back() -> None:
    data = _block(0, {"type": "tool_use", "id": "t", "name": "a_f", "input": {}})
    assert _deltas(data, names={"a_f": "a.f"})[0] == ToolCallStart(index=0, id="t", name="a.f")


def test_call_of_the_json_tool_is_the_answers_text() -> None:
    block = {"type": "tool_use", "id": "t", "name": "json_tool_call", "input": {}}
    data = _START + _block(0, block, {"type": "input_json_delta", "partial_json": '{"n":1}'}) + _end("tool_use")
    chunks = _chunks(data, json_tool=True)
    assert chunks[1].choices[0].deltas == (TextDelta(text='{"n":1}'),)
    assert chunks[-1].choices[0].finish_reason == "stop"
    both = _START + _block(0, block) + _block(1, {**block, "name": "f"}) + _end("tool_use")
    assert _chunks(both, json_tool=True)[-1].choices[0].finish_reason == "tool_calls"


def test_refusal_says_why_with_the_end() -> None:
    details = {"type": "refusal", "explanation": "I may not."}
    last = _chunks(_START + _end("refusal", stop_details=details, container={"id": "c"}))[-1]
    (choice,) = last.choices
    assert (choice.deltas, choice.finish_reason) == ((RefusalDelta(refusal="I may not."),), "content_filter")
    assert choice.rest == Rest(DIALECT, {"stop_details": details})
    assert last.rest == Rest(DIALECT, {"delta": {"container": {"id": "c"}}})


@pytest.mark.parametrize(
    "data",
    [
        b"data: no json\n\n",
        b"data: [1]\n\n",
        _event("content_block_start", index=0),
        _event("content_block_start", index="0", content_block={"type": "text"}),
        _event("content_block_start", index=0, content_block={"type": "tool_use", "id": "t"}),
        _event("content_block_start", index=0, content_block={"type": "text"})
        + _event("content_block_delta", index=0, delta={"type": "text_delta", "text": 5}),
    ],
)
def test_what_is_no_event_is_the_providers_fault(data: bytes) -> None:
    decoder = _decoder()
    with pytest.raises(UpstreamProtocolError):
        decoder.feed(data)


def test_nothing_after_the_end_counts() -> None:
    data = _START + _end()
    assert _chunks(data + b"data: [DONE]\n\n" + _block(0, {"type": "text", "text": "x"})) == _chunks(data)
