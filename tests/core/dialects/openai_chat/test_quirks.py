"""Differences between servers, each with its one effect on what is sent."""

import json
from decimal import Decimal
from typing import Any

import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.chat import FunctionTool, Reasoning, ResponseFormat, Rest, ToolChoice
from tianji_core.calls.http import Bearer, HeaderKey, NoAuth
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks, Server
from tianji_core.errors import UnsupportedParameterError

TOOLS = (FunctionTool(name="f"),)


def send(request: Any, *, model: str = "m", mode: str = "drop", **quirks: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the body that a server with these quirks gets, and what was dropped on the way."""
    codec = OpenAIChat(server=Server(provider="acme", base_url="http://acme", quirks=Quirks(**quirks)))
    encoded = codec.encode(request, deployment("acme", model, parameter_mode=mode), FACTS)
    return json.loads(encoded.http.body), encoded.dropped


@pytest.mark.parametrize(("asked", "sent"), [("1.7", 1), ("0.5", 0.5)])
def test_temperature_is_lowered_to_what_the_server_takes(asked: str, sent: float) -> None:
    body, _ = send(chat_request(parameters={"temperature": Decimal(asked)}), max_temperature="1")
    assert body["temperature"] == sent


def test_server_that_would_store_is_told_not_to() -> None:
    assert send(chat_request(parameters={"store": True}), forces_store_false=True)[0]["store"] is False


@pytest.mark.parametrize(("count", "is_sent"), [(1, True), (2, False)])
def test_server_of_one_choice_is_not_asked_for_more(count: int, is_sent: bool) -> None:
    body, dropped = send(chat_request(parameters={"n": count}), single_choice=True)
    assert ("n" in body, dropped) == (is_sent, () if is_sent else ("n",))


def test_openai_has_no_top_k_and_it_is_named_in_every_mode() -> None:
    body, dropped = send(chat_request(parameters={"top_k": 5}), openai_models=True, mode="refuse")
    assert ("top_k" in body, dropped) == (False, ("top_k",))
    assert send(chat_request(parameters={"top_k": 5}))[0]["top_k"] == 5


def test_metadata_of_another_dialect_is_not_openais() -> None:
    request = chat_request(dialect="anthropic_messages", parameters={"service_tier": "standard_only"})
    body, dropped = send(request)
    assert ("service_tier" in body, dropped) == (False, ("service_tier",))


def test_choice_that_only_another_dialect_has_is_dropped_or_refused() -> None:
    request = chat_request(tools=TOOLS, tool_choice=ToolChoice(mode="opaque", dialect="anthropic_messages", value={}))
    body, dropped = send(request)
    assert ("tool_choice" in body, dropped) == (False, ("tool_choice",))
    with pytest.raises(UnsupportedParameterError):
        send(request, mode="refuse")


def test_choice_without_tools_is_not_sent() -> None:
    assert "tool_choice" not in send(chat_request(tool_choice=ToolChoice(mode="auto")))[0]


@pytest.mark.parametrize(("wanted", "dropped"), [(True, ()), (False, ("parallel_tool_calls",))])
def test_server_that_does_not_know_parallel_calls_is_not_told(wanted: bool, dropped: tuple[str, ...]) -> None:
    request = chat_request(tools=TOOLS, parallel_tool_calls=wanted)
    body, named = send(request, unsupported=frozenset({"parallel_tool_calls"}))
    assert ("parallel_tool_calls" in body, named) == (False, dropped)
    assert send(request)[0]["parallel_tool_calls"] is wanted


def test_server_without_reasoning_is_not_asked_for_an_effort() -> None:
    request = chat_request(reasoning=Reasoning(effort="low"))
    body, dropped = send(request, unsupported=frozenset({"reasoning_effort"}))
    assert ("reasoning_effort" in body, dropped) == (False, ("reasoning_effort",))
    assert send(request)[0]["reasoning_effort"] == "low"


def test_reasoning_model_that_does_not_reason_takes_sampling() -> None:
    request = chat_request(reasoning=Reasoning(effort="none"), parameters={"temperature": Decimal("0.5"), "top_p": Decimal("0.9")})
    body, dropped = send(request, model="gpt-5.1", openai_models=True)
    assert (body["temperature"], body["top_p"], dropped) == (0.5, 0.9, ())


def test_options_of_the_stream_that_the_client_adds_go_up_beside_ours() -> None:
    request = chat_request(stream=True, rest=Rest("openai_chat", {"stream_options": {"include_obfuscation": False}}))
    assert send(request)[0]["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in send(request, no_stream_options=True)[0]


def test_field_for_the_limit_is_the_servers_else_the_callers() -> None:
    request = chat_request(max_output_tokens=9, max_output_tokens_field="max_completion_tokens")
    assert send(request)[0]["max_completion_tokens"] == 9
    assert send(request, max_tokens_field="max_tokens")[0]["max_tokens"] == 9
    assert send(chat_request(max_output_tokens=9), model="o3", openai_models=True)[0]["max_completion_tokens"] == 9


@pytest.mark.parametrize(("mode", "is_sent"), [("drop", False), ("refuse", True)])
def test_parameter_that_may_be_refused_is_left_out_only_where_dropping_is_allowed(mode: str, is_sent: bool) -> None:
    body, dropped = send(chat_request(parameters={"seed": 1}), mode=mode, unconfirmed=frozenset({"seed"}))
    assert ("seed" in body, dropped) == (is_sent, () if is_sent else ("seed",))


def test_parameter_that_means_nothing_is_left_out_in_every_mode() -> None:
    request = chat_request(parameters={"presence_penalty": Decimal("0.5")})
    body, dropped = send(request, mode="refuse", ignored=frozenset({"presence_penalty"}))
    assert ("presence_penalty" in body, dropped) == (False, ("presence_penalty",))


def test_operator_may_say_that_a_model_takes_what_the_server_refuses() -> None:
    codec = OpenAIChat(server=Server(provider="acme", base_url="http://acme", quirks=Quirks(unsupported=frozenset({"seed"}))))
    target = deployment("acme", "m", allowed_parameters=frozenset({"seed"}))
    encoded = codec.encode(chat_request(parameters={"seed": 1}), target, FACTS)
    assert (json.loads(encoded.http.body)["seed"], encoded.dropped) == (1, ())


def test_parameter_has_the_servers_own_name_and_is_dropped_by_openais() -> None:
    codec = OpenAIChat(server=Server(provider="acme", base_url="http://acme", quirks=Quirks(renames={"seed": "random_seed"})))
    request = chat_request(parameters={"seed": 1})
    body = json.loads(codec.encode(request, deployment("acme", "m"), FACTS).http.body)
    assert (body["random_seed"], "seed" in body) == (1, False)
    dropped = codec.encode(request, deployment("acme", "m", dropped_parameters=frozenset({"seed"})), FACTS)
    assert ("random_seed" in json.loads(dropped.http.body), dropped.dropped) == (False, ("seed",))


@pytest.mark.parametrize(
    ("reasoning", "thinking", "effort"),
    [
        (Reasoning(effort="low"), {"type": "enabled"}, "low"),
        (Reasoning(effort="none"), {"type": "disabled"}, None),
        (Reasoning(mode="disabled"), {"type": "disabled"}, None),
        (Reasoning(mode="enabled", budget_tokens=5000), {"type": "enabled"}, "high"),
        (None, None, None),
    ],
)
def test_thinking_is_switched_beside_its_effort(reasoning: Reasoning | None, thinking: object, effort: str | None) -> None:
    body, dropped = send(chat_request(reasoning=reasoning), thinking_switch=True)
    assert (body.get("thinking"), body.get("reasoning_effort"), dropped) == (thinking, effort, ())


def test_clients_own_switch_wins() -> None:
    request = chat_request(reasoning=Reasoning(effort="low"), rest=Rest("openai_chat", {"thinking": {"type": "disabled"}}))
    assert send(request, thinking_switch=True)[0]["thinking"] == {"type": "disabled"}


def test_schema_for_the_answer_is_dropped_or_refused_where_there_is_none() -> None:
    request = chat_request(response_format=ResponseFormat(kind="json_schema", name="n", schema={"type": "object"}))
    body, dropped = send(request, no_json_schema=True)
    assert ("response_format" in body, dropped) == (False, ("response_format",))
    with pytest.raises(UnsupportedParameterError, match="it takes `json_object`, no schema"):
        send(request, no_json_schema=True, mode="refuse")
    plain = chat_request(response_format=ResponseFormat(kind="json_object"))
    assert send(plain, no_json_schema=True)[0]["response_format"] == {"type": "json_object"}


def test_forced_choice_has_the_servers_word() -> None:
    request = chat_request(tools=TOOLS, tool_choice=ToolChoice(mode="required"))
    assert send(request, required_choice="any")[0]["tool_choice"] == "any"
    assert send(request)[0]["tool_choice"] == "required"
    named = chat_request(tools=TOOLS, tool_choice=ToolChoice(mode="named", name="f"))
    assert send(named, required_choice="any")[0]["tool_choice"] == {"type": "function", "function": {"name": "f"}}


def test_functions_are_offered_without_what_the_server_refuses_in_them() -> None:
    parameters = {"type": "object", "$schema": "s", "additionalProperties": False}
    request = chat_request(tools=(FunctionTool(name="f", parameters=parameters, strict=True),))
    body, _ = send(request, drops_tool_fields=frozenset({"strict"}), drops_schema_keywords=frozenset({"$schema", "additionalProperties"}))
    assert body["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


@pytest.mark.parametrize(("key_header", "auth"), [(("x-key", ""), HeaderKey), (None, Bearer)])
def test_key_stands_in_the_servers_own_header(key_header: tuple[str, str] | None, auth: type[object]) -> None:
    codec = OpenAIChat(server=Server(provider="acme", base_url="http://acme", quirks=Quirks(key_header=key_header)))
    http = codec.encode(chat_request(), deployment("acme", "m"), FACTS).http
    assert isinstance(http.auth, auth)
    assert codec.encode(chat_request(), deployment("acme", "m", auth_secret=None), FACTS).http.auth == NoAuth()
