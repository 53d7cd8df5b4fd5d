"""Differences between servers, each with its one effect on what is sent."""

import json
from decimal import Decimal
from typing import Any

import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.chat import FunctionTool, Reasoning, Rest, ToolChoice
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
