"""Parameters of OpenAI's clients on Anthropic's models, and Anthropic's own unchanged."""

from decimal import Decimal
from typing import Any

import pytest

from support.chat import chat_request, deployment
from tianji_core.calls.chat import (
    FunctionTool,
    Message,
    OpaqueTool,
    Reasoning,
    ResponseFormat,
    Rest,
    ToolCall,
    ToolChoice,
)
from tianji_core.dialects.anthropic_messages.encode import Body, encode_body
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.errors import UnsupportedParameterError
from tianji_core.translation.parameters import Dropping
from tianji_core.translation.structured_output import JSON_TOOL

_OLD, _STRUCTURED, _NEW, _THINKER = "claude-sonnet-4-0", "claude-sonnet-4-5", "claude-opus-4-7", "claude-opus-5-5"
_F = FunctionTool(name="f", description="d", parameters={"type": "object", "properties": {}})
_SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}


def _encode(model: str = _OLD, *, mode: str = "refuse", version: str = "2023-06-01", **request: Any) -> tuple[Body, list[str]]:
    settings = request.pop("settings", {})
    dropping = Dropping(deployment("anthropic", model, parameter_mode=mode, **settings))
    body = encode_body(chat_request(**request), dropping.deployment, dropping, version=version)
    return body, dropping.names


def _fields(model: str = _OLD, **request: Any) -> dict[str, Any]:
    return _encode(model, **request)[0].fields


def test_plain_request_has_a_limit_and_nothing_else() -> None:
    assert _fields() == {
        "model": _OLD,
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }


def test_models_own_maximum_is_the_default_limit() -> None:
    assert _fields(settings={"known": {"max_output_tokens": 64000}})["max_tokens"] == 64000
    assert _fields(settings={"known": {"max_output_tokens": 64000}}, max_output_tokens=5)["max_tokens"] == 5


@pytest.mark.parametrize(
    ("request_fields", "sent"),
    [
        ({"stop": ("a", " \n", "b")}, {"stop_sequences": ["a", "b"]}),
        ({"stop": (" ",)}, {}),
        ({"stream": True}, {"stream": True}),
        ({"end_user": "u-1"}, {"metadata": {"user_id": "u-1"}}),
        ({"end_user": "a@b.example"}, {}),
        ({"end_user": "+31 (6) 1234-5678"}, {}),
        ({"parameters": {"temperature": Decimal("0.5"), "top_p": Decimal("0.9"), "top_k": 4}}, "as given"),
        ({"parameters": {"service_tier": "auto"}}, {"service_tier": "auto"}),
        ({"parameters": {"service_tier": "default"}}, {"service_tier": "standard_only"}),
        ({"parameters": {"n": 1, "store": True, "metadata": {"a": "b"}}}, {}),
        ({"parallel_tool_calls": False}, {}),
        ({"rest": Rest("openai_chat", {"container": "c", "top_k": 3})}, {"container": "c", "top_k": 3}),
        ({"extra_body": {"speed": "fast"}}, {"speed": "fast"}),
        ({"response_format": ResponseFormat(kind="text")}, {}),
    ],
)
def test_each_parameter_has_its_word(request_fields: dict[str, Any], sent: Any) -> None:
    wanted = request_fields["parameters"] if sent == "as given" else sent
    assert _fields(**request_fields) == {**_fields(), **wanted}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("seed", 1),
        ("logprobs", True),
        ("logit_bias", {}),
        ("frequency_penalty", 1),
        ("modalities", ["audio"]),
        ("prediction", {}),
        ("service_tier", "flex"),
        ("temperature", Decimal("1.5")),
    ],
)
def test_parameter_without_a_word_is_refused_or_dropped_by_name(name: str, value: Any) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        _encode(parameters={name: value})
    assert caught.value.param == name
    body, dropped = _encode(mode="drop", parameters={name: value})
    assert dropped == [name]
    assert body.fields.get(name) == (1 if name == "temperature" else None)


def test_allowed_parameter_is_sent_although_unknown() -> None:
    assert _fields(parameters={"seed": 1}, settings={"allowed_parameters": frozenset({"seed"})})["seed"] == 1


def test_listed_parameters_are_dropped_by_openais_names() -> None:
    listed = frozenset({"response_format", "tools", "temperature", "container", "max_tokens"})
    body, dropped = _encode(
        _STRUCTURED,
        settings={"dropped_parameters": listed},
        tools=(_F,),
        max_output_tokens=9,
        response_format=ResponseFormat(kind="json_schema", schema=_SCHEMA),
        parameters={"temperature": 1},
        rest=Rest("openai_chat", {"container": "c"}),
    )
    assert body.fields == {**_fields(_STRUCTURED)}
    assert set(dropped) == listed


@pytest.mark.parametrize(
    ("configured", "sent"),
    [
        ({"max_tokens": 99}, {"max_tokens": 99}),
        ({"max_completion_tokens": 98}, {"max_tokens": 98}),
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"reasoning_effort": "low"}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    ],
)
def test_configured_parameters_stand_where_the_caller_says_nothing(configured: dict[str, Any], sent: dict[str, Any]) -> None:
    assert _fields(settings={"extra_body": configured}) == {**_fields(), **sent}


def test_callers_word_beats_the_configured_one() -> None:
    assert _fields(settings={"extra_body": {"max_tokens": 99}}, max_output_tokens=5)["max_tokens"] == 5


# --- sampling -----------------------------------------------------------------------------------------------------------


def test_newer_models_take_no_sampling() -> None:
    with pytest.raises(UnsupportedParameterError):
        _encode(_NEW, parameters={"temperature": 0})
    body, dropped = _encode(_NEW, mode="drop", parameters={"temperature": Decimal("0.2"), "top_p": 1, "top_k": 2})
    assert dropped == ["temperature", "top_p", "top_k"]
    assert body.fields == _fields(_NEW)


def test_default_temperature_is_dropped_in_silence() -> None:
    assert _encode(_NEW, parameters={"temperature": 1}) == (_encode(_NEW)[0], [])


def test_api_version_without_sampling_strips_it() -> None:
    body, dropped = _encode(version="2026-10-21", parameters={"temperature": 0, "top_k": 2})
    assert (body.fields, dropped) == (_fields(), ["temperature", "top_k"])


def test_temperature_does_not_go_with_thinking() -> None:
    wish = Reasoning(effort="low")
    body, dropped = _encode(mode="drop", reasoning=wish, parameters={"temperature": 0})
    assert (body.fields, dropped) == (_fields(reasoning=wish), ["temperature"])


# --- thinking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        (_OLD, "none", {}),
        (_OLD, "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (_OLD, "low", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (_OLD, "medium", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (_OLD, "high", {"thinking": {"type": "enabled", "budget_tokens": 4096}, "max_tokens": 8192}),
        (_OLD, "xhigh", {"thinking": {"type": "enabled", "budget_tokens": 8192}, "max_tokens": 12288}),
        (_OLD, "max", {"thinking": {"type": "enabled", "budget_tokens": 16384}, "max_tokens": 20480}),
        ("claude-opus-4-6", "none", {}),
        ("claude-opus-4-6", "minimal", "low"),
        ("claude-opus-4-6", "medium", "medium"),
        ("claude-opus-4-6", "xhigh", "high"),
        ("claude-opus-4-6", "max", "max"),
        (_NEW, "xhigh", "xhigh"),
    ],
)
def test_effort_is_a_budget_or_an_effort_by_generation(model: str, effort: str, sent: Any) -> None:
    adaptive = {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": sent}}
    wanted = sent if isinstance(sent, dict) else adaptive
    assert _fields(model, reasoning=Reasoning(effort=effort)) == {**_fields(model), **wanted}


@pytest.mark.parametrize(
    ("limit", "known", "effort", "tokens", "budget"),
    [
        (3000, None, "high", 3000, 2999),
        (1025, None, "high", 1025, 1024),
        (1024, None, "high", 1024, None),
        (None, 4096, "high", 4096, 4095),
        (None, 64000, "max", 64000, 16384),
    ],
)
def test_budget_fits_under_the_limit(limit: int | None, known: int | None, effort: str, tokens: int, budget: int | None) -> None:
    settings = {"known": {"max_output_tokens": known}} if known else {}
    body, dropped = _encode(reasoning=Reasoning(effort=effort), max_output_tokens=limit, settings=settings)
    assert body.fields["max_tokens"] == tokens
    assert body.fields.get("thinking") == (None if budget is None else {"type": "enabled", "budget_tokens": budget})
    assert dropped == ([] if budget else ["reasoning_effort"])


@pytest.mark.parametrize(("model", "effort"), [("claude-3-5-haiku-latest", "low"), (_OLD, "turbo")])
def test_effort_that_nobody_can_take_is_refused(model: str, effort: str) -> None:
    with pytest.raises(UnsupportedParameterError):
        _encode(model, reasoning=Reasoning(effort=effort))
    assert _encode(model, mode="drop", reasoning=Reasoning(effort=effort))[1] == ["reasoning_effort"]


def test_lost_thinking_before_a_result_switches_the_budget_off() -> None:
    history = (
        *chat_request().messages,
        Message(role="assistant", parts=(ToolCall(id="1", name="f", arguments="{}"),)),
        Message(role="tool", tool_call_id="1", plain=True),
    )
    body, dropped = _encode(messages=history, tools=(_F,), reasoning=Reasoning(effort="low"))
    assert "thinking" not in body.fields
    assert dropped == ["reasoning_effort"]
    assert "thinking" in _fields("claude-opus-4-6", messages=history, tools=(_F,), reasoning=Reasoning(effort="low"))


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        (_OLD, {"type": "enabled", "budget_tokens": 2000}, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        (_OLD, {"type": "enabled", "budget_tokens": 9000}, {"thinking": {"type": "enabled", "budget_tokens": 9000}, "max_tokens": 13096}),
        (
            _NEW,
            {"type": "enabled", "budget_tokens": 5000},
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}, "max_tokens": 9096},
        ),
        ("claude-fable-5", {"type": "disabled"}, {}),
        (_NEW, {"type": "disabled"}, {"thinking": {"type": "disabled"}}),
    ],
)
def test_openai_client_may_send_anthropics_thinking(model: str, given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert _fields(model, rest=Rest("openai_chat", {"thinking": given})) == {**_fields(model), **sent}


@pytest.mark.parametrize(("budget", "effort"), [(16000, "xhigh"), (8192, "xhigh"), (4096, "high"), (2048, "medium"), (1024, "low")])
def test_own_budget_becomes_an_effort_on_models_without_budgets(budget: int, effort: str) -> None:
    wish = Reasoning(mode="enabled", budget_tokens=budget)
    fields = _fields(_NEW, dialect=DIALECT, max_output_tokens=20000, reasoning=wish)
    assert (fields["thinking"], fields["output_config"]) == ({"type": "adaptive", "display": "summarized"}, {"effort": effort})


# --- tools --------------------------------------------------------------------------------------------------------------


def test_function_tool_has_an_input_schema() -> None:
    bare = FunctionTool(name="g")
    typeless = FunctionTool(name="h", parameters={"properties": {}}, cache_control={"type": "ephemeral"})
    assert _fields(tools=(_F, bare, typeless))["tools"] == [
        {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}},
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        {"name": "h", "input_schema": {"type": "object", "properties": {}}, "cache_control": {"type": "ephemeral"}},
    ]


def test_strict_tool_is_strict_where_the_model_can() -> None:
    tool = FunctionTool(name="f", parameters=_SCHEMA, strict=True)
    assert _fields(_OLD, tools=(tool,))["tools"] == [{"name": "f", "input_schema": _SCHEMA}]
    (sent,) = _fields(_STRUCTURED, tools=(tool,))["tools"]
    assert sent["strict"] is True
    assert sent["input_schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (ToolChoice(mode="auto"), None, {"type": "auto"}),
        (ToolChoice(mode="required"), None, {"type": "any"}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
        (ToolChoice(mode="named", name="f"), None, {"type": "tool", "name": "f"}),
        (ToolChoice(mode="named", name="f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
        (None, None, None),
    ],
)
def test_tool_choice_and_parallel_calls_are_one_object(choice: ToolChoice | None, parallel: bool | None, sent: Any) -> None:
    assert _fields(tools=(_F,), tool_choice=choice, parallel_tool_calls=parallel).get("tool_choice") == sent


def test_names_are_made_legal_and_remembered() -> None:
    body, _ = _encode(tools=(FunctionTool(name="a.b"),), tool_choice=ToolChoice(mode="named", name="a.b"))
    assert body.fields["tools"][0]["name"] == "a_b"  # type: ignore[index]
    assert body.fields["tool_choice"] == {"type": "tool", "name": "a_b"}
    assert body.names == {"a_b": "a.b"}


@pytest.mark.parametrize(("model", "request_fields"), [(_OLD, {"reasoning": Reasoning(effort="low")}), (_THINKER, {})])
def test_forced_tool_does_not_go_with_thinking(model: str, request_fields: dict[str, Any]) -> None:
    forced = {"tools": (_F,), "tool_choice": ToolChoice(mode="required"), **request_fields}
    with pytest.raises(UnsupportedParameterError) as caught:
        _encode(model, **forced)
    assert caught.value.param == "tool_choice"
    body, dropped = _encode(model, mode="drop", **forced)
    assert (body.fields["tool_choice"], dropped) == ({"type": "auto"}, ["tool_choice"])


def test_tools_of_other_vendors_are_refused_and_anthropics_own_kinds_taken() -> None:
    native = {"type": "bash_20250124", "name": "bash"}
    custom = OpaqueTool(dialect="openai_chat", value={"type": "custom", "custom": {"name": "x"}})
    assert _fields(tools=(OpaqueTool(dialect="openai_chat", value=native),))["tools"] == [native]
    with pytest.raises(UnsupportedParameterError):
        _encode(tools=(custom,))
    assert _encode(mode="drop", tools=(custom,))[1] == ["tools"]


def test_choice_of_another_vendor_is_refused() -> None:
    with pytest.raises(UnsupportedParameterError):
        _encode(tools=(_F,), tool_choice=ToolChoice(mode="opaque", dialect="openai_chat", value={"type": "allowed_tools"}))


@pytest.mark.parametrize(
    ("options", "tool"),
    [
        ({}, {}),
        ({"search_context_size": "low"}, {"max_uses": 1}),
        (
            {"search_context_size": "high", "user_location": {"type": "approximate", "approximate": {"city": "Oslo"}}},
            {"max_uses": 10, "user_location": {"type": "approximate", "city": "Oslo"}},
        ),
    ],
)
def test_web_search_options_are_a_tool(options: dict[str, Any], tool: dict[str, Any]) -> None:
    wanted = {"type": "web_search_20250305", "name": "web_search", **tool}
    assert _fields(parameters={"web_search_options": options})["tools"] == [wanted]


def test_history_with_calls_gets_tools_that_may_not_be_called() -> None:
    calls = Message(role="assistant", parts=(ToolCall(id="1", name="f", arguments="{}"), ToolCall(id="2", name="f", arguments="{}")))
    fields = _fields(messages=(*chat_request().messages, calls))
    assert fields["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert fields["tool_choice"] == {"type": "none"}


# --- structured output --------------------------------------------------------------------------------------------------


def test_newer_models_are_asked_for_a_format() -> None:
    body, _ = _encode(_STRUCTURED, response_format=ResponseFormat(kind="json_schema", name="x", schema=_SCHEMA))
    fitted = {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}},
        "additionalProperties": False,
    }
    assert body.fields["output_config"] == {"format": {"type": "json_schema", "schema": fitted}}
    assert not body.json_tool


@pytest.mark.parametrize(
    ("more", "choice"),
    [
        ({}, {"type": "tool", "name": JSON_TOOL}),
        ({"tools": (_F,)}, {"type": "any"}),
        ({"tools": (_F,), "parallel_tool_calls": False}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"tools": (_F,), "tool_choice": ToolChoice(mode="none")}, {"type": "tool", "name": JSON_TOOL}),
        ({"tools": (_F,), "tool_choice": ToolChoice(mode="named", name="f")}, {"type": "tool", "name": "f"}),
        ({"reasoning": Reasoning(effort="low")}, {"type": "auto"}),
    ],
)
def test_older_models_are_made_to_call_a_tool(more: dict[str, Any], choice: dict[str, Any]) -> None:
    body, _ = _encode(_OLD, response_format=ResponseFormat(kind="json_schema", schema=_SCHEMA, description="a number"), **more)
    assert body.json_tool
    assert body.fields["tools"][-1] == {  # type: ignore[index]
        "name": JSON_TOOL,
        "description": "a number",
        "input_schema": _SCHEMA,
    }
    assert body.fields["tool_choice"] == choice


def test_json_without_a_schema_has_no_form_here_and_is_named() -> None:
    assert _encode(response_format=ResponseFormat(kind="json_object")) == (_encode()[0], ["response_format"])


# --- this dialect -------------------------------------------------------------------------------------------------------


def test_own_parameters_go_up_as_they_came() -> None:
    fields = _fields(
        _NEW,
        dialect=DIALECT,
        max_output_tokens=0,
        stop=(" ",),
        end_user="a@b.example",
        parameters={"temperature": 0, "service_tier": "standard_only"},
        tools=(FunctionTool(name="a.b", parameters={}, strict=False),),
        tool_choice=ToolChoice(mode="named", name="a.b"),
        parallel_tool_calls=True,
        response_format=ResponseFormat(kind="json_schema", schema=_SCHEMA),
        reasoning=Reasoning(effort="low"),
        rest=Rest(DIALECT, {"metadata": {"x": 1}, "output_config": {"task_budget": 5}, "mcp_servers": []}),
    )
    assert fields == {
        "model": _NEW,
        "max_tokens": 0,
        "messages": [{"role": "user", "content": "hi"}],
        "stop_sequences": [" "],
        "metadata": {"user_id": "a@b.example", "x": 1},
        "temperature": 0,
        "service_tier": "standard_only",
        "tools": [{"name": "a.b", "input_schema": {}, "strict": False}],
        "tool_choice": {"type": "tool", "name": "a.b", "disable_parallel_tool_use": False},
        "output_config": {"task_budget": 5, "format": {"type": "json_schema", "schema": _SCHEMA}, "effort": "low"},
        "mcp_servers": [],
    }


def test_unknown_fields_of_a_third_dialect_are_dropped_by_name() -> None:
    body, dropped = _encode(dialect="gemini_generate", rest=Rest("gemini_generate", {"cachedContent": "x"}))
    assert (body.fields, dropped) == (_fields(), ["cachedContent"])
