"""Streamed answers for Anthropic's clients: what their SDK reads from our events."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.chat import FACTS
from tianji_core.calls.chat import (
    AnnotationsDelta,
    ChatChunk,
    ChoiceDelta,
    Delta,
    ExtraDelta,
    ImagesDelta,
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
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.stream_decode import MessagesStreamDecoder
from tianji_core.dialects.anthropic_messages.stream_encode import MessagesStreamEncoder
from tianji_core.errors import UpstreamOverloadedError
from tianji_core.wire.sse import SseDecoder

Reader = Callable[[bytes], Any]


def _chunk(*deltas: Delta, finish: Any = None, **more: Any) -> ChatChunk:
    choice = ChoiceDelta(deltas=deltas, finish_reason=finish)
    return ChatChunk(id="chatcmpl-1", created=1, model="gpt", **{"choices": (choice,), **more})


def _stream(*chunks: ChatChunk) -> bytes:
    encoder = MessagesStreamEncoder(SurfaceMemo(model="asked"))
    events = [event for chunk in chunks for event in encoder.feed(chunk)]
    return b"".join(event.data for event in [*events, *encoder.close()])


def _events(stream: bytes) -> list[dict[str, Any]]:
    decoded = SseDecoder().feed(stream)
    values = [json.loads(event.data) for event in decoded]
    assert [value["type"] for value in values] == [event.name for event in decoded]
    return values


def _said(read: Reader, *deltas: Delta, finish: Any = "stop") -> Any:
    return read(_stream(*(_chunk(delta) for delta in deltas), _chunk(finish=finish)))["content"]


def test_events_have_the_order_of_the_vendor() -> None:
    usage = Usage(input_text=9, cache_read=3, output_text=4)
    events = _events(
        _stream(_chunk(TextDelta(text="")), _chunk(TextDelta(text="Hi")), _chunk(finish="length"), _chunk(choices=(), usage=usage))
    )
    assert events == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_chatcmpl-1",
                "type": "message",
                "role": "assistant",
                "model": "asked",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 0, "output_tokens": 0},
            },
        },
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            "usage": {"input_tokens": 9, "cache_creation_input_tokens": None, "cache_read_input_tokens": 3, "output_tokens": 4},
        },
        {"type": "message_stop"},
    ]


def test_nothing_is_committed_before_there_is_content() -> None:
    encoder = MessagesStreamEncoder(SurfaceMemo(model="asked"))
    assert [event.content for event in encoder.feed(_chunk(TextDelta(text="")))] == [False, False]
    assert [event.content for event in encoder.feed(_chunk(TextDelta(text="a")))] == [True, True]


@pytest.mark.parametrize("name", ["two_tools_with_thinking", "empty_arguments"])
def test_sdk_reads_the_same_from_us_as_from_the_vendor(name: str, golden: Callable[[str], bytes], sdk_reads: Reader) -> None:
    decoder = MessagesStreamDecoder(ProviderMemo(facts=FACTS, provider="acme", model="up"))
    encoder = MessagesStreamEncoder(SurfaceMemo(model="claude-opus-5-5"))
    stream = golden(name)
    events = [event for chunk in [*decoder.feed(stream), *decoder.close()] for event in encoder.feed(chunk)]
    assert sdk_reads(b"".join(event.data for event in [*events, *encoder.close()])) == sdk_reads(stream)


def test_kinds_take_turns_in_blocks_of_their_own(sdk_reads: Reader) -> None:
    assert _said(
        sdk_reads,
        ThinkingDelta(text="hm"),
        TextDelta(text="a"),
        TextDelta(text="b"),
        ToolCallStart(index=0, id="c", name="f"),
        ToolArgumentsDelta(index=0, arguments='{"a":'),
        ToolArgumentsDelta(index=0, arguments="1}"),
        TextDelta(text="c"),
        finish="tool_calls",
    ) == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "ab"},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
        {"type": "text", "text": "c"},
    ]


def test_signed_thinking_is_complete_and_more_is_another_block(sdk_reads: Reader) -> None:
    assert _said(
        sdk_reads,
        ThinkingDelta(text="one"),
        SignatureDelta(signature="s1"),
        ThinkingDelta(text="two"),
        SignatureDelta(signature="s2"),
        RedactedThinkingDelta(data="d"),
        TextDelta(text="x"),
    ) == [
        {"type": "thinking", "thinking": "one", "signature": "s1"},
        {"type": "thinking", "thinking": "two", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "x"},
    ]


def test_blocks_of_the_own_dialect_stay_apart(sdk_reads: Reader) -> None:
    tool = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    assert _said(
        sdk_reads,
        TextDelta(text="a", block=0),
        TextDelta(text="b", block=1),
        OpaqueDelta(dialect=DIALECT, value=tool, block=2),
        OpaqueDelta(dialect=DIALECT, value=result, block=3),
        OpaqueDelta(dialect="other", value={"type": "x"}),
    ) == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, tool, result]


@pytest.mark.parametrize("first", ['{"a": 1}', ""])
def test_mixed_arguments_of_parallel_calls_are_sorted_out(first: str, sdk_reads: Reader) -> None:
    assert _said(
        sdk_reads,
        ToolCallStart(index=0, id="a", name="f"),
        *([ToolArgumentsDelta(index=0, arguments=first[:4])] if first else []),
        ToolCallStart(index=1, id="b", name="g"),
        ToolArgumentsDelta(index=1, arguments='{"b": '),
        *([ToolArgumentsDelta(index=0, arguments=first[4:])] if first else []),
        ToolCallStart(index=2, id="c", name="h"),
        ToolArgumentsDelta(index=1, arguments="2}"),
        ToolArgumentsDelta(index=2, arguments="{}"),
        finish="tool_calls",
    ) == [
        {"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1} if first else {}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {"b": 2}},
        {"type": "tool_use", "id": "c", "name": "h", "input": {}},
    ]


@given(st.permutations([0, 0, 0, 1, 1, 1, 2, 2, 2]))
def test_any_mixing_of_arguments_gives_whole_calls_in_order(order: list[int]) -> None:
    pieces = {index: iter(('{"n"', ":", f"{index}}}")) for index in range(3)}
    started: list[int] = []
    chunks: list[ChatChunk] = []
    for index in order:
        if index not in started:
            started.append(index)
            chunks.append(_chunk(ToolCallStart(index=index, id=f"c{index}", name="f")))
        chunks.append(_chunk(ToolArgumentsDelta(index=index, arguments=next(pieces[index]))))
    events = _events(_stream(*chunks, _chunk(finish="tool_calls")))
    opened = [event["content_block"]["id"] for event in events if event["type"] == "content_block_start"]
    texts: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_delta":
            texts[event["index"]] = texts.get(event["index"], "") + event["delta"]["partial_json"]
    assert opened == [f"c{index}" for index in started]
    assert [json.loads(texts[place]) for place in range(3)] == [{"n": index} for index in started]


def test_foreign_answer_without_anything_is_an_empty_text(sdk_reads: Reader) -> None:
    assert _said(sdk_reads) == [{"type": "text", "text": ""}]
    assert sdk_reads(_stream())["content"] == [{"type": "text", "text": ""}]


def test_own_answer_without_anything_stays_empty(sdk_reads: Reader) -> None:
    choice = ChoiceDelta(finish_reason="stop", native_finish_reason="end_turn")
    assert sdk_reads(_stream(_chunk(choices=(choice,))))["content"] == []


def test_foreign_refusal_is_text_and_ends_as_a_refusal(sdk_reads: Reader) -> None:
    message = sdk_reads(_stream(_chunk(RefusalDelta(refusal="no")), _chunk(finish="content_filter")))
    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": "no"}], "refusal")


def test_own_refusal_is_told_in_its_details_only() -> None:
    details = {"type": "refusal", "explanation": "no"}
    choice = ChoiceDelta(
        deltas=(RefusalDelta(refusal="no"),),
        finish_reason="content_filter",
        native_finish_reason="refusal",
        rest=Rest(DIALECT, {"stop_details": details}),
    )
    events = _events(_stream(_chunk(choices=(choice,))))
    assert [event["type"] for event in events] == ["message_start", "ping", "message_delta", "message_stop"]
    assert events[2]["delta"] == {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details}


def test_rest_of_the_own_dialect_goes_back_to_its_place() -> None:
    end = _chunk(finish="stop", rest=Rest(DIALECT, {"delta": {"container": {"id": "c"}}, "context_management": {"edits": []}}))
    events = _events(_stream(_chunk(TextDelta(text="a"), rest=Rest(DIALECT, {"diagnostics": {"x": 1}})), end))
    assert events[0]["message"]["diagnostics"] == {"x": 1}
    assert (events[-2]["delta"]["container"], events[-2]["context_management"]) == ({"id": "c"}, {"edits": []})


def test_what_only_another_vendor_has_goes_with_the_end() -> None:
    deltas = (
        ImagesDelta(images=({"n": 1},)),
        ImagesDelta(images=({"n": 2},)),
        AnnotationsDelta(annotations=({"u": 1},)),
        ExtraDelta(fields={"e": 1}),
    )
    events = _events(_stream(_chunk(*deltas, rest=Rest("openai_chat", {"system_fingerprint": "fp", "empty": ""})), _chunk(finish="stop")))
    assert events[-2]["delta"]["provider_specific_fields"] == {
        "system_fingerprint": "fp",
        "images": [{"n": 1}, {"n": 2}],
        "annotations": [{"u": 1}],
        "e": 1,
    }


def test_other_choices_have_no_place() -> None:
    second = ChoiceDelta(index=1, deltas=(TextDelta(text="b"),), finish_reason="length")
    events = _events(_stream(_chunk(choices=(ChoiceDelta(deltas=(TextDelta(text="a"),), finish_reason="stop"), second))))
    assert [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"] == ["a"]
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


def test_usage_is_the_last_value_of_each_field(sdk_reads: Reader) -> None:
    message = sdk_reads(
        _stream(
            _chunk(TextDelta(text="a"), usage=Usage(input_text=9, output_text=1)),
            _chunk(finish="stop"),
            _chunk(choices=(), usage=Usage(output_text=4, reasoning=2)),
        )
    )
    assert message["usage"] == {"input_tokens": 9, "output_tokens": 6, "output_tokens_details": {"thinking_tokens": 2}}


def test_error_event_raises_in_the_sdk(sdk_reads: Reader) -> None:
    encoder = MessagesStreamEncoder(SurfaceMemo(model="asked"))
    head = b"".join(event.data for event in encoder.feed(_chunk(TextDelta(text="a"))))
    (event,) = encoder.error(UpstreamOverloadedError("acme: busy", provider="acme"), "req-1")
    assert _events(event.data) == [{"type": "error", "error": {"type": "overloaded_error", "message": "acme: busy"}, "request_id": "req-1"}]
    with pytest.raises(anthropic.APIStatusError):
        sdk_reads(head + event.data)


def test_idle_stream_is_kept_open_by_pings() -> None:
    assert _events(MessagesStreamEncoder(SurfaceMemo(model="asked")).keep_alive()) == [{"type": "ping"}]
