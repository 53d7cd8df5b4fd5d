"""Anthropic's surfaces, and its clients' calls on an OpenAI model there and back."""

import json
from typing import Any

from support.chat import FACTS, deployment
from tianji_core.calls.http import HttpResponse
from tianji_core.providers.openai import PROVIDER
from tianji_core.surfaces import anthropic_count_tokens, anthropic_messages


def test_surfaces_have_anthropics_paths_and_envelope() -> None:
    messages, count = anthropic_messages.SURFACE, anthropic_count_tokens.SURFACE
    assert (messages.operation, messages.paths, messages.envelope) == ("chat", ("/messages",), "anthropic")
    assert (count.operation, count.paths, count.envelope) == ("count_tokens", ("/messages/count_tokens",), "anthropic")
    assert messages.dialect == count.dialect == "anthropic_messages"


_BODY: dict[str, Any] = {
    "model": "g",
    "max_tokens": 50,
    "system": [{"type": "text", "text": "x-anthropic-billing-header: 1"}, {"type": "text", "text": "Be terse."}],
    "messages": [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"city": "Oslo"}},
            ],
        },
        {"role": "user", "content": [{"type": "text", "text": "so?"}, {"type": "tool_result", "tool_use_id": "t1", "content": "4 C"}]},
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u"},
}


def _call(body: dict[str, Any]) -> tuple[Any, Any, Any]:
    decoded = anthropic_messages.SURFACE.codec.decode(body, None, ())
    assert PROVIDER.chat is not None
    encoded = PROVIDER.chat.encode(decoded.request, deployment("openai", "gpt-4o"), FACTS)
    return decoded, encoded, json.loads(encoded.http.body)


def test_messages_request_reaches_an_openai_model() -> None:
    _, _, sent = _call(_BODY)
    assert sent["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Be terse."}]},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Oslo"}'}}],
        },
        {"role": "tool", "content": "4 C", "tool_call_id": "t1"},
        {"role": "user", "content": [{"type": "text", "text": "so?"}]},
    ]
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("required", False)
    assert (sent["stop"], sent["user"], sent["max_tokens"]) == (["END"], "u", 50)


def test_openai_answer_reaches_a_messages_client() -> None:
    decoded, encoded, _ = _call(_BODY)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"city": "Oslo"}'}}
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024",
        "choices": [
            {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "Checking.", "tool_calls": [call]}}
        ],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "total_tokens": 13,
            "prompt_tokens_details": {"cached_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    }
    assert PROVIDER.chat is not None
    response = PROVIDER.chat.decode(HttpResponse(status=200, body=json.dumps(answer).encode()), encoded.memo)
    shown = json.loads(anthropic_messages.SURFACE.codec.encode(response, decoded.memo))
    assert (shown["id"], shown["model"], shown["stop_reason"]) == ("msg_chatcmpl-1", "g", "tool_use")
    assert shown["content"] == [
        {"type": "text", "text": "Checking."},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"city": "Oslo"}},
    ]
    usage = shown["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (4, 5, 4)
