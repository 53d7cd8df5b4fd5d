"""Anthropic as a provider: address, key, and an OpenAI client's call there and back."""

import json

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.http import HeaderKey, HttpResponse
from tianji_core.calls.secret import Secret
from tianji_core.providers.anthropic import PROVIDER
from tianji_core.surfaces.openai_chat import SURFACE


def test_chat_and_count_go_to_the_vendor_with_its_own_key_header() -> None:
    assert (PROVIDER.name, PROVIDER.dialect, PROVIDER.embeddings) == ("anthropic", "anthropic_messages", None)
    assert PROVIDER.chat is not None
    assert PROVIDER.count_tokens is not None
    target = deployment("anthropic", "claude-opus-5-5")
    chat = PROVIDER.chat.encode(chat_request(), target, FACTS).http
    count = PROVIDER.count_tokens.encode(chat_request(), target, FACTS).http
    assert chat.url == "https://api.anthropic.com/v1/messages"
    assert count.url == "https://api.anthropic.com/v1/messages/count_tokens"
    assert chat.auth == count.auth == HeaderKey("x-api-key", Secret("sk-upstream"))


def test_bare_claude_names_mean_this_provider() -> None:
    assert "claude-opus-5-5".startswith(PROVIDER.known_prefixes)
    assert PROVIDER.key_variables == ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def test_openai_client_reads_the_vendors_answer_in_its_own_words() -> None:
    body = {
        "model": "g",
        "messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Weather in Oslo?"}],
        "tools": [{"type": "function", "function": {"name": "get.weather", "parameters": {"type": "object", "properties": {}}}}],
        "max_tokens": 512,
    }
    decoded = SURFACE.codec.decode(body, None, ())
    assert PROVIDER.chat is not None
    encoded = PROVIDER.chat.encode(decoded.request, deployment("anthropic", "claude-opus-5-5"), FACTS)
    assert json.loads(encoded.http.body) == {
        "model": "claude-opus-5-5",
        "max_tokens": 512,
        "system": [{"type": "text", "text": "Be terse."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Weather in Oslo?"}]}],
        "tools": [{"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}],
    }
    answer = {
        "id": "msg_01A",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": [
            {"type": "thinking", "thinking": "Look it up.", "signature": "c2ln"},
            {"type": "text", "text": "Checking."},
            {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Oslo"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 20,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 400,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 30,
            "output_tokens_details": {"thinking_tokens": 10},
        },
    }
    response = PROVIDER.chat.decode(HttpResponse(status=200, body=json.dumps(answer).encode()), encoded.memo)
    shown = json.loads(SURFACE.codec.encode(response, decoded.memo))
    (choice,) = shown["choices"]
    assert (shown["id"], shown["model"], choice["finish_reason"]) == ("msg_01A", "g", "tool_calls")
    message = choice["message"]
    assert (message["content"], message["reasoning_content"]) == ("Checking.", "Look it up.")
    assert message["thinking_blocks"] == [answer["content"][0]]  # type: ignore[index]
    (call,) = message["tool_calls"]
    assert (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) == (
        "toolu_01",
        "get.weather",
        {"city": "Oslo"},
    )
    usage = shown["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (520, 30, 550)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 400
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 10
