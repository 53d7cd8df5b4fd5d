"""Whole answers."""

import json

import msgspec
import pytest

from support.chat import FACTS
from tianji_core.calls.chat import ChatResponse, Choice, Message, Opaque, RedactedThinking, Refusal, Text, Thinking, ToolCall
from tianji_core.calls.usage import Usage
from tianji_core.dialects.openai_chat import Quirks
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.response import decode_response, encode_response
from tianji_core.errors import UpstreamError, UpstreamOverloadedError, UpstreamProtocolError

_MEMO = ProviderMemo(facts=FACTS, provider="acme", model="m", quirks=Quirks())


def _decode(message: dict[str, object], finish: str | None = "stop", **more: object) -> ChatResponse:
    body = {"id": "c1", "created": 5, "model": "up", "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}
    return decode_response(json.dumps(body).encode(), _MEMO)


def test_answer_is_decoded() -> None:
    response = _decode(
        {
            "role": "assistant",
            "content": "ok",
            "reasoning_content": "hm",
            "refusal": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        finish="tool_calls",
        usage={"prompt_tokens": 3, "completion_tokens": 2},
        service_tier="flex",
    )
    (choice,) = response.choices
    assert choice.message.parts == (Thinking(text="hm"), Text(text="ok"), ToolCall(id="a", name="f", arguments="{}"))
    assert choice.finish_reason == "tool_calls"
    assert response.usage == Usage(input_text=3, output_text=2, service_tier="flex")


@pytest.mark.parametrize(
    ("word", "reason", "native"),
    [
        ("eos", "stop", "eos"),
        ("model_length", "length", "model_length"),
        ("", "stop", ""),
        (None, "stop", None),
        ("weird", "stop", "weird"),
    ],
)
def test_finish_words_of_all_servers_become_openais(word: str | None, reason: str, native: str | None) -> None:
    choice = _decode({"content": "x"}, finish=word).choices[0]
    assert (choice.finish_reason, choice.native_finish_reason) == (
        reason,
        native or None if word != "" else "stop" if native is None else None,
    )


def test_list_content_is_split_into_thinking_and_text() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "ok"}]
    assert _decode({"content": content}).choices[0].message.parts == (Thinking(text="hm"), Text(text="ok"))


def test_error_inside_a_good_status_is_raised_by_its_own_number() -> None:
    with pytest.raises(UpstreamOverloadedError, match="acme: busy"):
        decode_response(b'{"error":{"message":"busy","code":503}}', _MEMO)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"choices":1}', b'{"choices":[{"message":1}]}', b'{"choices":[{}]}'])
def test_what_is_no_chat_completion_is_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as caught:
        decode_response(body, _MEMO)
    assert isinstance(caught.value, UpstreamError)
    assert caught.value.provider == "acme"


def test_answer_of_another_dialect_shows_what_openai_has_no_field_for() -> None:
    parts = (
        Thinking(text="hm", signature="s"),
        RedactedThinking(data="xx"),
        Text(text="ok", citations=({"type": "char_location"},)),
        Opaque(dialect="anthropic_messages", value={"type": "server_tool_use"}),
        Refusal(refusal="no"),
    )
    choice = Choice(index=0, message=Message(role="assistant", parts=parts), finish_reason="length", native_finish_reason="pause_turn")
    response = ChatResponse(id="msg_1", created=5, model="claude", choices=(choice,))
    value = msgspec.json.decode(encode_response(response, SurfaceMemo(model="asked")))
    message = value["choices"][0]["message"]
    assert value["model"] == "asked"
    assert (message["content"], message["refusal"], message["reasoning_content"]) == ("ok", "no", "hm")
    assert message["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "xx"},
    ]
    assert message["provider_specific_fields"] == {
        "citations": [{"type": "char_location"}],
        "blocks": [{"type": "server_tool_use"}],
        "stop_reason": "pause_turn",
    }


def test_answer_without_an_id_gets_one_that_is_a_function_of_the_call() -> None:
    first = decode_response(b'{"choices":[{"message":{"content":"x"}}]}', _MEMO)
    assert first.id == decode_response(b'{"choices":[{"message":{"content":"y"}}]}', _MEMO).id
    assert first.id.startswith("chatcmpl-")
    assert first.created == FACTS.created
