"""Tools, tool choice and response format: what comes in goes out again, in OpenAI's words."""

from typing import Any

import pytest

from tianji_core.calls.chat import FunctionTool, OpaqueTool, ResponseFormat, ToolChoice
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.tools import (
    decode_response_format,
    decode_tool_choice,
    decode_tools,
    encode_response_format,
    encode_tool,
    encode_tool_choice,
)
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields

PLAIN = Quirks()
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}},
        {"type": "function", "function": {"name": "f", "new": 1}, "outer": 2},
        {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}},
        {"type": "web_search"},
    ],
)
def test_tool_goes_out_as_it_came_in(tool: dict[str, object]) -> None:
    (decoded,) = decode_tools(Fields({"tools": [tool]}))
    assert encode_tool(decoded, PLAIN) == tool


def test_functions_of_old_clients_are_tools() -> None:
    assert decode_tools(Fields({"functions": [{"name": "f", "parameters": SCHEMA}]})) == (FunctionTool(name="f", parameters=SCHEMA),)


def test_tool_of_another_dialect_has_no_form() -> None:
    assert encode_tool(OpaqueTool(dialect="anthropic_messages", value={"type": "computer"}), PLAIN) is None


def test_fields_that_a_server_refuses_and_marks_that_it_does_not_read_are_left_out() -> None:
    tool = FunctionTool(name="f", strict=True, cache_control={"type": "ephemeral"})
    assert encode_tool(tool, Quirks(drops_tool_fields=frozenset({"strict"}))) == {"type": "function", "function": {"name": "f"}}
    assert "cache_control" in (encode_tool(tool, Quirks(keeps_cache_control=True)) or {})


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({}, "tools.[0].type"),
        ({"type": "function"}, "tools.[0].function"),
        ({"type": "function", "function": {}}, "tools.[0].function.name"),
        ({"type": "function", "function": {"name": "f", "parameters": []}}, "tools.[0].function.parameters"),
        ({"type": "function", "function": {"name": "f", "strict": "yes"}}, "tools.[0].function.strict"),
    ],
)
def test_bad_tool_is_named_by_its_path(tool: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode_tools(Fields({"tools": [tool]}))
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("value", "choice"),
    [
        ("none", ToolChoice(mode="none")),
        ("auto", ToolChoice(mode="auto")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(mode="named", name="f")),
        ({"type": "allowed_tools", "x": 1}, ToolChoice(mode="opaque", dialect="openai_chat", value={"type": "allowed_tools", "x": 1})),
    ],
)
def test_choice_goes_out_as_it_came_in(value: object, choice: ToolChoice) -> None:
    assert decode_tool_choice(Fields({"tool_choice": value})) == choice
    assert encode_tool_choice(choice) == value


@pytest.mark.parametrize(("value", "mode", "name"), [("auto", "auto", None), ({"name": "f"}, "named", "f")])
def test_choice_of_old_clients_is_understood(value: object, mode: str, name: str | None) -> None:
    choice = decode_tool_choice(Fields({"function_call": value}))
    assert choice is not None
    assert (choice.mode, choice.name) == (mode, name)


def test_choice_of_another_dialect_has_no_form_and_none_is_none() -> None:
    assert encode_tool_choice(ToolChoice(mode="opaque", dialect="anthropic_messages", value={})) is None
    assert decode_tool_choice(Fields({})) is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tool_choice": "some"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        ({"function_call": {}}, "function_call.name"),
    ],
)
def test_bad_choice_is_named(body: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode_tool_choice(Fields(body))
    assert raised.value.param == param


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "json_object"},
        {"type": "json_object", "schema": SCHEMA},
        {"type": "text"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
        {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": SCHEMA, "strict": False}},
    ],
)
def test_format_goes_out_as_it_came_in(wanted: dict[str, Any]) -> None:
    decoded = decode_response_format(Fields({"response_format": wanted}))
    assert decoded is not None
    assert encode_response_format(decoded) == wanted


def test_format_without_a_name_gets_one_since_openai_wants_it() -> None:
    assert encode_response_format(ResponseFormat(kind="json_schema", schema=SCHEMA)) == {
        "type": "json_schema",
        "json_schema": {"name": "structured_output", "schema": SCHEMA},
    }


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": "s"}}, "response_format.json_schema.schema"),
        ("json", "response_format"),
    ],
)
def test_bad_format_is_named_by_its_path(wanted: object, param: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        decode_response_format(Fields({"response_format": wanted}))
    assert raised.value.param == param


def test_absent_format_is_none() -> None:
    assert decode_response_format(Fields({"response_format": None})) is None
