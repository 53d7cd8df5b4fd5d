"""A client's Messages request: type-checked where it means something elsewhere, kept whole where it does not."""

from typing import Any

import pytest

from tianji_core.calls.chat import (
    ChatRequest,
    File,
    FunctionTool,
    Image,
    Message,
    Opaque,
    OpaqueTool,
    Reasoning,
    RedactedThinking,
    ResponseFormat,
    Rest,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
)
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.request import decode_request
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields


def _decode(**body: Any) -> ChatRequest:
    whole = {"max_tokens": 10, "messages": [{"role": "user", "content": "hi"}], **body}
    return decode_request(Fields(whole, index="{}"), "m")


def _parts(role: str, *blocks: dict[str, Any]) -> tuple[object, ...]:
    return _decode(messages=[{"role": role, "content": list(blocks)}]).messages[0].parts


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "a"}, Text(text="a")),
        (
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, "citations": [{"type": "page_location"}]},
            Text(text="a", cache_control={"type": "ephemeral"}, citations=({"type": "page_location"},)),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}},
            Image(data="QQ==", media_type="image/png"),
        ),
        ({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}, Image(url="https://x/y.png")),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, Image(file_id="file_1")),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}, "title": "t"},
            File(data="QQ==", media_type="application/pdf", filename="t"),
        ),
        (
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                "citations": {"enabled": True},
                "context": "c",
            },
            File(text="x", media_type="text/plain", citations={"enabled": True}, rest=Rest(DIALECT, {"context": "c"})),
        ),
        ({"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}}, File(url="https://x/y.pdf")),
        ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, File(file_id="file_1")),
        (
            {"type": "document", "source": {"type": "content", "content": []}},
            Opaque(dialect=DIALECT, value={"type": "document", "source": {"type": "content", "content": []}}),
        ),
        ({"type": "container_upload", "file_id": "f"}, Opaque(dialect=DIALECT, value={"type": "container_upload", "file_id": "f"})),
        (
            {"type": "text", "text": "x-anthropic-billing-header: 1"},
            Opaque(dialect=DIALECT, value={"type": "text", "text": "x-anthropic-billing-header: 1"}),
        ),
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, Thinking(text="hm", signature="s")),
        ({"type": "thinking", "thinking": "hm", "signature": ""}, Thinking(text="hm")),
        ({"type": "redacted_thinking", "data": "x"}, RedactedThinking(data="x")),
        (
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
            ToolCall(id="t", name="f", arguments='{"a":1}', rest=Rest(DIALECT, {"caller": {"type": "direct"}})),
        ),
    ],
)
def test_each_block_has_its_part(block: dict[str, Any], part: object) -> None:
    assert _parts("assistant", block) == (part,)


def test_results_become_messages_before_what_the_user_says() -> None:
    content = [
        {"type": "text", "text": "go on"},
        {"type": "tool_result", "tool_use_id": "a", "content": "4 C", "is_error": False},
        {"type": "tool_result", "tool_use_id": "b", "is_error": True, "cache_control": {"type": "ephemeral"}},
        {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "x"}]},
    ]
    assert _decode(messages=[{"role": "user", "content": content}]).messages == (
        Message(role="tool", tool_call_id="a", parts=(Text(text="4 C"),), plain=True, rest=Rest(DIALECT, {"is_error": False})),
        Message(role="tool", tool_call_id="b", plain=True, is_error=True, cache_control={"type": "ephemeral"}),
        Message(role="tool", tool_call_id="c", parts=(Text(text="x"),)),
        Message(role="user", parts=(Text(text="go on"),)),
    )


def test_system_comes_first_and_one_among_the_messages_stays_there() -> None:
    request = _decode(system="be brief", messages=[{"role": "user", "content": "hi"}, {"role": "system", "content": "now in Dutch"}])
    assert request.messages == (
        Message(role="system", parts=(Text(text="be brief"),), plain=True),
        Message(role="user", parts=(Text(text="hi"),), plain=True),
        Message(role="system", parts=(Text(text="now in Dutch"),), plain=True, rest=Rest(DIALECT, {"role": "system"})),
    )


def test_parameters_have_canonical_names() -> None:
    request = _decode(
        stop_sequences=["END"],
        temperature=1,
        top_k=5,
        service_tier="auto",
        metadata={"user_id": "u1"},
        stream=True,
        container="c1",
    )
    assert request.stop == ("END",)
    assert request.parameters == {"temperature": 1, "top_k": 5, "service_tier": "auto"}
    assert (request.end_user, request.stream, request.max_output_tokens) == ("u1", True, 10)
    assert request.rest == Rest(DIALECT, {"container": "c1"})


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, Reasoning(mode="enabled", budget_tokens=2048)),
        ({"thinking": {"type": "disabled"}}, Reasoning(mode="disabled")),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
            Reasoning(mode="adaptive", effort="low", rest=Rest(DIALECT, {"display": "omitted"})),
        ),
        ({"output_config": {"effort": "max"}}, Reasoning(effort="max")),
        ({}, None),
    ],
)
def test_thinking_and_effort_are_one_wish(fields: dict[str, Any], reasoning: Reasoning | None) -> None:
    assert _decode(**fields).reasoning == reasoning


def test_output_format_is_a_response_format_and_the_rest_of_its_object_is_kept() -> None:
    request = _decode(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}, "task_budget": {"total": 5}})
    assert request.response_format == ResponseFormat(kind="json_schema", name="structured_output", schema={"type": "object"}, strict=True)
    assert request.rest == Rest(DIALECT, {"output_config": {"task_budget": {"total": 5}}})


def test_tools_of_the_client_are_functions_and_others_stay_whole() -> None:
    server = {"type": "web_search_20250305", "name": "web_search"}
    own = {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True, "defer_loading": True, "type": "custom"}
    assert _decode(tools=[own, server]).tools == (
        FunctionTool(
            name="f",
            description="d",
            parameters={"type": "object"},
            strict=True,
            rest=Rest(DIALECT, {"defer_loading": True, "type": "custom"}),
        ),
        OpaqueTool(dialect=DIALECT, value=server),
    )


@pytest.mark.parametrize(
    ("value", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice(mode="auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice(mode="required"), False),
        ({"type": "none"}, ToolChoice(mode="none"), None),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": False}, ToolChoice(mode="named", name="f"), True),
        ({"type": "new"}, ToolChoice(mode="opaque", dialect=DIALECT, value={"type": "new"}), None),
    ],
)
def test_tool_choice_says_two_things(value: dict[str, Any], choice: ToolChoice, parallel: bool | None) -> None:
    request = _decode(tool_choice=value)
    assert (request.tool_choice, request.parallel_tool_calls) == (choice, parallel)


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"max_tokens": None}, "max_tokens", "missing_required_parameter"),
        ({"max_tokens": "10"}, "max_tokens", "invalid_type"),
        ({"max_tokens": -1}, "max_tokens", "invalid_value"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": ["hi"]}, "messages.0", "invalid_type"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content", "invalid_type"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", "invalid_value"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source", "missing_required_parameter"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]}]}]},
            "messages.0.content.0.content.0.text",
            "missing_required_parameter",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "{}"}]}]},
            "messages.0.content.0.input",
            "invalid_type",
        ),
        ({"system": 5}, "system", "invalid_type"),
        ({"system": [{"type": "text", "text": 5}]}, "system.0.text", "invalid_type"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name", "missing_required_parameter"),
        ({"tools": {"name": "f"}}, "tools", "invalid_type"),
        ({"tool_choice": "auto"}, "tool_choice", "invalid_type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name", "missing_required_parameter"),
        ({"stop_sequences": "END"}, "stop_sequences", "invalid_type"),
        ({"stop_sequences": [1]}, "stop_sequences.0", "invalid_type"),
        ({"temperature": "warm"}, "temperature", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id", "invalid_type"),
        ({"thinking": {"budget_tokens": 5}}, "thinking.type", "missing_required_parameter"),
        ({"output_config": {"effort": 5}}, "output_config.effort", "invalid_type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema", "missing_required_parameter"),
    ],
)
def test_fault_names_its_place_as_anthropic_does(body: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        _decode(**body)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_count_needs_no_output_limit() -> None:
    body = Fields({"messages": [{"role": "user", "content": "hi"}]}, index="{}")
    assert decode_request(body, "m", needs_max_tokens=False).max_output_tokens is None
