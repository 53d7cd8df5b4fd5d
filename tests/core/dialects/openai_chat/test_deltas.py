"""Every kind of delta: from a server's chunk to ours, and from ours to a client's."""

import json
from typing import Any

import pytest

from support.chat import FACTS
from tianji_core.calls.chat import (
    AnnotationsDelta,
    AudioDelta,
    ChatChunk,
    ChoiceDelta,
    CitationDelta,
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
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.stream_decode import ChatStreamDecoder
from tianji_core.dialects.openai_chat.stream_encode import ChatStreamEncoder
from tianji_core.errors import UpstreamProtocolError
from tianji_core.wire.sse import SseDecoder


def decode(delta: dict[str, Any], **more: Any) -> ChoiceDelta:
    """Return the choice of a chunk with this delta."""
    decoder = ChatStreamDecoder(ProviderMemo(facts=FACTS, provider="acme", model="m", quirks=Quirks()))
    value = {"id": "c", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, **more}]}
    ((chunk),) = decoder.feed(b"data: " + json.dumps(value).encode() + b"\n\n")
    (choice,) = chunk.choices
    return choice


def encode(*deltas: Delta, memo: SurfaceMemo | None = None, **choice: Any) -> dict[str, Any]:
    """Return the choice that a client gets."""
    chunk = ChatChunk(id="c", created=1, model="m", choices=(ChoiceDelta(deltas=deltas, **choice),))
    (event,) = ChatStreamEncoder(memo or SurfaceMemo(model="asked")).feed(chunk)
    ((framed),) = SseDecoder().feed(event.data)
    (shown,) = json.loads(framed.data)["choices"]
    return dict(shown)


ANNOTATION = {"type": "url_citation", "url_citation": {"url": "u"}}
PICTURE = {"type": "image_url", "image_url": {"url": "u"}}
BLOCK = {"type": "thinking", "thinking": "hm"}


@pytest.mark.parametrize(
    ("wire", "delta"),
    [
        ({"content": "hi"}, TextDelta(text="hi")),
        ({"refusal": "no"}, RefusalDelta(refusal="no")),
        ({"annotations": [ANNOTATION]}, AnnotationsDelta(annotations=(ANNOTATION,))),
        ({"audio": {"id": "a"}}, AudioDelta(audio={"id": "a"})),
        ({"images": [PICTURE]}, ImagesDelta(images=(PICTURE,))),
        ({"provider_specific_fields": {"x": 1}}, ExtraDelta(fields={"x": 1})),
        ({"reasoning_content": "hm", "thinking_blocks": [BLOCK]}, ThinkingDelta(text="hm")),
        ({"thinking_blocks": [{**BLOCK, "thinking": "", "signature": "s"}]}, SignatureDelta(signature="s")),
        ({"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]}, RedactedThinkingDelta(data="x")),
        (
            {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}], "content": None},
            ToolCallStart(index=0, id="a", name="f"),
        ),
        (
            {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": ""}}], "content": None},
            ToolCallStart(index=0, id="a", name="f", kind="custom"),
        ),
    ],
)
def test_delta_goes_out_as_it_came_in(wire: dict[str, Any], delta: Delta) -> None:
    assert decode(wire).deltas == (delta,)
    shown = {name: value for name, value in encode(delta)["delta"].items() if value is not None}
    assert shown == {name: value for name, value in wire.items() if value is not None}


def test_whole_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    calls = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    assert decode({"tool_calls": calls}).deltas == (
        ToolCallStart(index=0, id="a", name="a"),
        ToolArgumentsDelta(index=0, arguments="{}"),
        ToolCallStart(index=1, id="b", name="b"),
        ToolArgumentsDelta(index=1, arguments="{}"),
    )


def test_old_servers_function_call_is_a_tool_call() -> None:
    start, arguments = decode({"function_call": {"name": "f", "arguments": "{}"}}).deltas
    assert isinstance(start, ToolCallStart)
    assert (start.name, arguments) == ("f", ToolArgumentsDelta(index=0, arguments="{}"))


def test_list_content_of_a_delta_is_split() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "hi"},
        {"type": "refusal", "refusal": "no"},
    ]
    assert decode({"content": content}).deltas == (ThinkingDelta(text="hm"), TextDelta(text="hi"), RefusalDelta(refusal="no"))


def test_chunk_that_is_none_is_the_providers_fault() -> None:
    with pytest.raises(UpstreamProtocolError, match="acme streamed something"):
        decode({"content": 5})


def test_start_and_first_arguments_of_one_chunk_are_one_call() -> None:
    shown = encode(ToolCallStart(index=0, id="a", name="f"), ToolArgumentsDelta(index=0, arguments="{}"))["delta"]
    assert shown["tool_calls"] == [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def test_two_calls_of_one_chunk_stay_two() -> None:
    shown = encode(ToolCallStart(index=0, id="a", name="f"), ToolCallStart(index=1, id="b", name="g"))["delta"]
    assert [call["id"] for call in shown["tool_calls"]] == ["a", "b"]


def test_text_of_one_chunk_is_joined_and_lists_grow() -> None:
    shown = encode(TextDelta(text="a"), TextDelta(text="b"), SignatureDelta(signature="s"), RedactedThinkingDelta(data="x"))["delta"]
    assert shown["content"] == "ab"
    assert len(shown["thinking_blocks"]) == 2


def test_first_chunk_with_a_call_has_no_content() -> None:
    shown = encode(ToolCallStart(index=0, id="a", name="f"), role="assistant")["delta"]
    assert (shown["role"], shown["content"]) == ("assistant", None)
    assert encode(role="assistant")["delta"] == {"role": "assistant", "content": ""}


def test_what_another_vendor_says_is_shown_under_its_own_names() -> None:
    citation = {"type": "char_location"}
    assert encode(CitationDelta(citation=citation))["delta"] == {"provider_specific_fields": {"citation": citation}}
    block = OpaqueDelta(dialect="anthropic_messages", value={"type": "server_tool_use"})
    assert encode(block)["delta"] == {"provider_specific_fields": {"block": {"type": "server_tool_use"}}}
    assert encode(OpaqueDelta(dialect="openai_chat", value={"x": 1}))["delta"] == {}
    end = encode(finish_reason="stop", native_finish_reason="end_turn", stop_sequence="###")
    assert end["finish_reason"] == "stop"
    assert end["delta"] == {"provider_specific_fields": {"stop_reason": "end_turn", "stop_sequence": "###"}}


def test_fields_that_openai_does_not_know_come_back_where_they_stood() -> None:
    choice = decode({"content": "hi", "vendor": 1}, token_ids=[1])
    assert choice.rest == Rest("openai_chat", {"token_ids": [1], "delta": {"vendor": 1}})
    shown = encode(*choice.deltas, rest=choice.rest)
    assert (shown["delta"]["vendor"], shown["token_ids"]) == (1, [1])


def test_old_clients_get_their_call_in_one_field() -> None:
    shown = encode(ToolCallStart(index=0, id="a", name="f"), memo=SurfaceMemo(model="m", legacy_functions=True))["delta"]
    assert shown == {"function_call": {"name": "f", "arguments": ""}}
