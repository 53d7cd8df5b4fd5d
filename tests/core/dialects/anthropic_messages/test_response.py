"""A whole answer, decoded and encoded again."""

import json
from typing import Any

import pytest

from support.chat import FACTS
from tianji_core.calls.chat import (
    ChatResponse,
    Choice,
    Message,
    Opaque,
    RedactedThinking,
    Refusal,
    Rest,
    Text,
    Thinking,
    ToolCall,
)
from tianji_core.calls.usage import Usage
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.response import decode_response
from tianji_core.dialects.anthropic_messages.response_encode import encode_response
from tianji_core.errors import UpstreamOverloadedError, UpstreamProtocolError


def _memo(**more: Any) -> ProviderMemo:
    return ProviderMemo(facts=FACTS, provider="acme", model="up", **more)


def _answer(*content: dict[str, Any], stop_reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
    usage = {"input_tokens": 5, "output_tokens": 7, "cache_creation_input_tokens": None, "cache_read_input_tokens": None}
    return {**head, "content": list(content), "stop_reason": stop_reason, "stop_sequence": None, "usage": usage, **more}


def _decode(value: dict[str, Any], **memo: Any) -> ChatResponse:
    return decode_response(json.dumps(value).encode(), _memo(**memo))


def _shown(response: ChatResponse) -> Any:
    return json.loads(encode_response(response, SurfaceMemo(model="asked")))


_BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "redacted_thinking", "data": "d"},
    {"type": "text", "text": "so", "citations": [{"type": "char_location", "cited_text": "x"}]},
    {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "srv", "content": []},
    {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
]


def test_every_block_is_a_part_and_server_tools_are_no_calls() -> None:
    response = _decode(_answer(*_BLOCKS, stop_reason="tool_use"))
    (choice,) = response.choices
    assert choice.message.parts == (
        Thinking(text="hm", signature="s"),
        RedactedThinking(data="d"),
        Text(text="so", citations=({"type": "char_location", "cited_text": "x"},)),
        Opaque(dialect=DIALECT, value=_BLOCKS[3]),
        Opaque(dialect=DIALECT, value=_BLOCKS[4]),
        ToolCall(id="t", name="f", arguments='{"a":1}', rest=Rest(DIALECT, {"caller": {"type": "direct"}})),
    )
    assert (choice.finish_reason, choice.native_finish_reason) == ("tool_calls", "tool_use")
    assert (response.id, response.model, response.created) == ("msg_1", "claude", FACTS.created)
    assert response.usage == Usage(input_text=5, output_text=7)


def test_own_answer_is_shown_as_it_came_under_the_callers_name() -> None:
    value = _answer(*_BLOCKS, stop_reason="tool_use", container={"id": "c"}, context_management={"applied_edits": []})
    assert _shown(_decode(value)) == {**value, "model": "asked"}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("compaction", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        (None, "stop"),
        ("brand_new", "stop"),
    ],
)
def test_stop_reason_is_understood_and_shown_as_it_was(word: str | None, reason: str) -> None:
    response = _decode(_answer({"type": "text", "text": "x"}, stop_reason=word))
    assert response.choices[0].finish_reason == reason
    assert _shown(response)["stop_reason"] == (word or "end_turn")


def test_refusal_says_why_and_is_no_text_for_its_own_clients() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "I may not."}
    value = _answer({"type": "text", "text": "Well"}, stop_reason="refusal", stop_details=details)
    response = _decode(value)
    assert response.choices[0].message.parts == (Text(text="Well"), Refusal(refusal="I may not."))
    assert _shown(response) == {**value, "model": "asked"}


def test_web_citations_are_openais_annotations_too() -> None:
    citation = {"type": "web_search_result_location", "url": "https://x", "title": "X", "cited_text": "c"}
    response = _decode(_answer({"type": "text", "text": "It "}, {"type": "text", "text": "is.", "citations": [citation]}))
    assert response.choices[0].message.annotations == (
        {"type": "url_citation", "url_citation": {"url": "https://x", "title": "X", "start_index": 3, "end_index": 6}},
    )


def test_caller_gets_its_own_tool_names_back() -> None:
    response = _decode(_answer(_BLOCKS[5]), names={"f": "a.f"})
    assert [call.name for call in response.choices[0].message.tool_calls] == ["a.f"]


def test_call_of_the_json_tool_is_the_answers_text() -> None:
    call = {"type": "tool_use", "id": "t", "name": "json_tool_call", "input": {"n": 1}}
    choice = _decode(_answer(call, stop_reason="tool_use"), json_tool=True).choices[0]
    assert (choice.message.parts, choice.finish_reason) == ((Text(text='{"n":1}'),), "stop")
    both = _decode(_answer(call, _BLOCKS[5], stop_reason="tool_use"), json_tool=True).choices[0]
    assert both.finish_reason == "tool_calls"


def test_answer_without_id_and_model_gets_those_of_the_call() -> None:
    response = _decode({"content": []})
    assert response.id.startswith("msg_")
    assert (response.model, response.usage) == ("up", None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"content": "x"}',
        b'{"content": [5]}',
        b'{"content": [{"type": "text"}]}',
        b'{"content": [], "usage": 5}',
    ],
)
def test_answer_that_is_no_message_is_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as caught:
        decode_response(body, _memo())
    assert caught.value.provider == "acme"


def test_error_inside_a_good_status_is_raised_as_what_it_is() -> None:
    with pytest.raises(UpstreamOverloadedError):
        decode_response(b'{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}', _memo())


# --- answers of other vendors -------------------------------------------------------------------------------------------


def _foreign(*parts: Any, finish: Any = "stop", **more: Any) -> ChatResponse:
    message = Message(role="assistant", parts=parts, **more)
    return ChatResponse(id="chatcmpl-1", created=1, model="gpt", choices=(Choice(index=0, message=message, finish_reason=finish),))


def test_foreign_answer_has_anthropics_form() -> None:
    call = ToolCall(id="c", name="f", arguments='{"a": 1}')
    assert _shown(_foreign(Thinking(text="hm"), Text(text="so"), call, finish="tool_calls")) == {
        "id": "msg_chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "asked",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "so"},
            {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


@pytest.mark.parametrize(
    ("finish", "word"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("tool_calls", "tool_use"), ("content_filter", "refusal"), (None, "end_turn")],
)
def test_foreign_finish_has_its_word(finish: Any, word: str) -> None:
    assert _shown(_foreign(Text(text="x"), finish=finish))["stop_reason"] == word


@pytest.mark.parametrize(
    ("arguments", "block"),
    [
        ("", {"input": {}}),
        ("{}", {"input": {}}),
        ("{broken", {"input": {}, "provider_specific_fields": {"invalid_arguments": "{broken"}}),
        ("[1]", {"input": {}, "provider_specific_fields": {"invalid_arguments": "[1]"}}),
    ],
)
def test_arguments_that_are_no_object_become_an_empty_one_and_are_kept(arguments: str, block: dict[str, Any]) -> None:
    (shown,) = _shown(_foreign(ToolCall(id="c", name="f", arguments=arguments)))["content"]
    assert shown == {"type": "tool_use", "id": "c", "name": "f", **block}


def test_foreign_refusal_and_emptiness_are_text() -> None:
    assert _shown(_foreign(Refusal(refusal="no")))["content"] == [{"type": "text", "text": "no"}]
    assert _shown(_foreign())["content"] == [{"type": "text", "text": ""}]
    assert _shown(_decode(_answer()))["content"] == []


def test_what_only_the_other_vendor_has_stands_apart() -> None:
    response = _foreign(Text(text="x"), annotations=({"type": "url_citation"},), images=({"type": "image_url"},), extra={"a": 1})
    assert _shown(response)["provider_specific_fields"] == {
        "a": 1,
        "annotations": [{"type": "url_citation"}],
        "images": [{"type": "image_url"}],
    }
