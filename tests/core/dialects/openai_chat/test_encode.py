"""What an OpenAI-compatible server is sent."""

from typing import Any

import msgspec
import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.chat import (
    ChatRequest,
    File,
    FunctionTool,
    Image,
    Message,
    OpaqueTool,
    Reasoning,
    ResponseFormat,
    Rest,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
)
from tianji_core.calls.http import Bearer, NoAuth
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks, Server
from tianji_core.errors import ConfigurationError, UnsupportedParameterError

_OPENAI = Quirks(developer_role="developer", openai_models=True)


def _sent(request: ChatRequest, quirks: Quirks | None = None, **changes: Any) -> tuple[dict[str, object], tuple[str, ...]]:
    codec = OpenAIChat(server=Server(provider="acme", base_url="https://api.acme.example/v1", quirks=quirks or Quirks()))
    encoded = codec.encode(request, deployment(**changes), FACTS)
    body: dict[str, object] = msgspec.json.decode(encoded.http.body)
    return body, encoded.dropped


def test_request_goes_to_the_operation_with_the_key_as_a_value() -> None:
    codec = OpenAIChat(server=Server(provider="acme", base_url="https://api.acme.example/v1"))
    http = codec.encode(chat_request(), deployment(), FACTS).http
    assert (http.method, http.url) == ("POST", "https://api.acme.example/v1/chat/completions")
    assert isinstance(http.auth, Bearer)
    assert "sk-upstream" not in repr(http)
    assert codec.encode(chat_request(), deployment(auth_secret=None), FACTS).http.auth == NoAuth()


def test_provider_without_an_address_needs_one() -> None:
    codec = OpenAIChat(server=Server(provider="acme", base_url=None))
    with pytest.raises(ConfigurationError, match="api_base"):
        codec.encode(chat_request(), deployment(), FACTS)


def test_unknown_parameters_of_this_dialect_go_up_and_of_another_are_named() -> None:
    body, dropped = _sent(chat_request(rest=Rest("openai_chat", {"top_k": 3}), extra_body={"model": "other", "x": 1}))
    assert (body["top_k"], body["x"], body["model"], dropped) == (3, 1, "other", ())
    body, dropped = _sent(chat_request(dialect="anthropic_messages", rest=Rest("anthropic_messages", {"container": "c"})))
    assert "container" not in body
    assert dropped == ("container",)


def test_stream_asks_for_usage_unless_the_server_refuses_it() -> None:
    body, _ = _sent(chat_request(stream=True))
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    body, _ = _sent(chat_request(stream=True), Quirks(no_stream_options=True))
    assert "stream_options" not in body


@pytest.mark.parametrize(
    ("mode", "parameters", "sent", "dropped"),
    [
        ("drop", {"logprobs": True, "seed": 1}, {"seed": 1}, ("logprobs",)),
        ("refuse", {"n": 1}, {"n": 1}, ()),
    ],
)
def test_unsupported_parameter_is_dropped_by_name(
    mode: str, parameters: dict[str, object], sent: dict[str, object], dropped: tuple[str, ...]
) -> None:
    quirks = Quirks(unsupported=frozenset({"logprobs"}), single_choice=True)
    body, named = _sent(chat_request(parameters=parameters), quirks, parameter_mode=mode)
    assert {name: body[name] for name in ("logprobs", "seed", "n") if name in body} == sent
    assert named == dropped


def test_unsupported_parameter_is_refused_in_the_other_mode() -> None:
    with pytest.raises(UnsupportedParameterError, match="`logprobs` is not supported by openai/gpt-4o") as caught:
        _sent(chat_request(parameters={"logprobs": True}), Quirks(unsupported=frozenset({"logprobs"})))
    assert caught.value.param == "logprobs"


def test_listed_parameters_never_go_up() -> None:
    body, dropped = _sent(chat_request(parameters={"seed": 1}), dropped_parameters=frozenset({"seed"}))
    assert "seed" not in body
    assert dropped == ("seed",)


def test_reasoning_models_of_openai_get_the_new_limit_and_no_sampling() -> None:
    request = chat_request(max_output_tokens=9, max_output_tokens_field="max_tokens", parameters={"temperature": 1, "top_p": 1})
    body, dropped = _sent(request, _OPENAI, model="gpt-5-mini", parameter_mode="drop")
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body
    assert dropped == ("top_p",)
    body, dropped = _sent(
        chat_request(parameters={"temperature": 0}, reasoning=Reasoning(effort="none")), _OPENAI, model="gpt-5.1", parameter_mode="drop"
    )
    assert (body["temperature"], dropped) == (0, ())


@pytest.mark.parametrize(
    ("model", "kept"), [("gpt-5", True), ("gpt-5.3", True), ("gpt-5.4", False), ("gpt-6", False), ("openai/gpt-5.10", False)]
)
def test_newest_models_take_no_effort_with_tools_and_it_is_named(model: str, kept: bool) -> None:
    request = chat_request(tools=(FunctionTool(name="f"),), reasoning=Reasoning(effort="low"))
    body, dropped = _sent(request, _OPENAI, model=model)
    assert ("reasoning_effort" in body) == kept
    assert dropped == (() if kept else ("reasoning_effort",))


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        (Reasoning(mode="disabled"), None),
        (Reasoning(mode="adaptive"), "medium"),
        (Reasoning(mode="adaptive", effort="high"), "high"),
        (Reasoning(mode="enabled", budget_tokens=4096), "high"),
        (Reasoning(mode="enabled", budget_tokens=2048), "medium"),
        (Reasoning(mode="enabled", budget_tokens=1024), "low"),
        (Reasoning(mode="enabled", budget_tokens=10), "minimal"),
    ],
)
def test_thinking_of_another_dialect_becomes_an_effort(reasoning: Reasoning, effort: str | None) -> None:
    body, _ = _sent(chat_request(dialect="anthropic_messages", reasoning=reasoning))
    assert body.get("reasoning_effort") == effort


def test_metadata_goes_up_only_with_a_stored_completion_and_texts() -> None:
    assert "metadata" not in _sent(chat_request(parameters={"metadata": {"a": "b"}}))[0]
    assert "metadata" not in _sent(chat_request(parameters={"metadata": {"a": 1}, "store": True}))[0]
    assert _sent(chat_request(parameters={"metadata": {"a": "b"}, "store": True}))[0]["metadata"] == {"a": "b"}


def test_history_of_another_dialect_is_written_as_openai_writes_it() -> None:
    messages = (
        Message(role="system", parts=(Text(text="Be terse."),)),
        Message(role="user", parts=(Text(text="Look"), Image(data="QUJD", media_type="image/png"), File(text="plain", filename="a.txt"))),
        Message(
            role="assistant",
            parts=(Thinking(text="hm", signature="s"), Text(text="Checking."), ToolCall(id="t1", name="f", arguments='{"a":1}')),
        ),
        Message(role="tool", tool_call_id="t1", is_error=True, parts=(Text(text="no"), Image(url="https://example.com/x.png"))),
    )
    body, _ = _sent(chat_request(dialect="anthropic_messages", messages=messages))
    assert body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Be terse."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
                {"type": "text", "text": "a.txt\n\nplain"},
            ],
        },
        {
            "role": "assistant",
            "content": "Checking.",
            "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "content": "Error: no", "tool_call_id": "t1"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}]},
    ]


def test_flattening_server_gets_strings_and_replaying_one_its_reasoning() -> None:
    messages = (
        Message(role="user", parts=(Text(text="a"), Text(text="b"))),
        Message(role="assistant", parts=(Thinking(text="hm"), ToolCall(id="c", name="f", arguments="{}"))),
    )
    body, _ = _sent(chat_request(messages=messages), Quirks(flatten="always", replays_reasoning=True, drops_name=True))
    sent = body["messages"]
    assert isinstance(sent, list)
    assert sent[0]["content"] == "ab"
    assert (sent[1]["content"], sent[1]["reasoning_content"]) == (None, "hm")


def test_cache_marks_reach_only_servers_that_read_them() -> None:
    message = Message(role="user", parts=(Text(text="a", cache_control={"type": "ephemeral"}),))
    marked, _ = _sent(chat_request(messages=(message,)), Quirks(keeps_cache_control=True))
    stripped, _ = _sent(chat_request(messages=(message,)))
    assert "cache_control" in str(marked)
    assert "cache_control" not in str(stripped)


def test_tools_choice_and_format_are_written() -> None:
    request = chat_request(
        tools=(FunctionTool(name="f", description="d", parameters={"type": "object"}, strict=True),),
        tool_choice=ToolChoice(mode="named", name="f"),
        parallel_tool_calls=False,
        response_format=ResponseFormat(kind="json_schema", name="out", schema={"type": "object"}, strict=True),
    )
    body, _ = _sent(request)
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["parallel_tool_calls"] is False
    schema = {"name": "out", "schema": {"type": "object"}, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}


def test_tool_that_only_another_provider_runs_is_refused_or_named() -> None:
    request = chat_request(dialect="anthropic_messages", tools=(OpaqueTool(dialect="anthropic_messages", value={"type": "bash"}),))
    with pytest.raises(UnsupportedParameterError):
        _sent(request)
    body, dropped = _sent(request, parameter_mode="drop")
    assert "tools" not in body
    assert dropped == ("tools",)
