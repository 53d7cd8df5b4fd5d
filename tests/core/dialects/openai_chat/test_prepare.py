"""Tool names, ids of calls and users of other dialects, in the form that OpenAI's servers take, and the names' way back."""

import json
from typing import Any

import msgspec
import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.chat import ChatRequest, FunctionTool, Message, Text, ToolCall, ToolCallStart, ToolChoice
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks, Server
from tianji_core.shapes.codecs import Encoded

_LONG = "mcp__" + "very_long_server_name_" * 4 + "search"
_DOTTED = "files.read"


def _request(dialect: str = "anthropic_messages", **changes: Any) -> ChatRequest:
    history = (
        Message(role="user", parts=(Text(text="hi"),), plain=True),
        Message(role="assistant", parts=(ToolCall(id="toolu_01", name=_LONG, arguments="{}"),)),
        Message(role="tool", parts=(Text(text="ok"),), plain=True, tool_call_id="toolu_01"),
    )
    return chat_request(
        dialect=dialect,
        messages=history,
        tools=(FunctionTool(name=_LONG), FunctionTool(name=_DOTTED)),
        tool_choice=ToolChoice(mode="named", name=_LONG),
        **changes,
    )


def _encode(request: ChatRequest, **quirks: Any) -> tuple[OpenAIChat, Encoded, dict[str, Any]]:
    codec = OpenAIChat(server=Server(provider="acme", base_url="http://acme", quirks=Quirks(**quirks)))
    encoded = codec.encode(request, deployment("acme", "m"), FACTS)
    return codec, encoded, msgspec.json.decode(encoded.http.body)


def test_long_and_illegal_names_are_the_same_short_ones_everywhere_in_a_request() -> None:
    _, _, body = _encode(_request())
    long, dotted = (tool["function"]["name"] for tool in body["tools"])
    assert (len(long), long[:55], dotted) == (64, _LONG[:55], "files_read")
    assert body["tool_choice"]["function"]["name"] == long
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == long
    assert _encode(_request())[2] == body


@pytest.mark.parametrize("name", [_LONG, _DOTTED])
def test_answer_calls_tools_by_the_callers_names_whole_and_streamed(name: str) -> None:
    codec, encoded, body = _encode(_request())
    sent = body["tools"][(_LONG, _DOTTED).index(name)]["function"]["name"]
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": sent, "arguments": "{}"}}
    whole = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    answer = codec.decode(HttpResponse(status=200, body=json.dumps(whole).encode()), encoded.memo)
    assert [call.name for call in answer.choices[0].message.tool_calls] == [name]
    event = b"data: " + json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}).encode() + b"\n\n"
    (chunk,) = codec.stream(encoded.memo).feed(event)
    assert [delta.name for delta in chunk.choices[0].deltas if isinstance(delta, ToolCallStart)] == [name]


def test_what_a_client_of_openais_wrote_stays_as_it_is() -> None:
    user = "u" * 70
    _, encoded, body = _encode(_request("openai_chat", end_user=user))
    assert [tool["function"]["name"] for tool in body["tools"]] == [_LONG, _DOTTED]
    assert (body["user"], body["messages"][1]["tool_calls"][0]["id"], encoded.memo.names) == (user, "toolu_01", {})


@pytest.mark.parametrize("length", [64, 65, 200])
def test_user_that_is_too_long_becomes_a_hash_of_its_own(length: int) -> None:
    sent = _encode(_request(end_user="u" * length))[2]["user"]
    assert len(sent) <= 64
    assert (sent == "u" * length) is (length == 64)
    assert sent != _encode(_request(end_user="u" * (length + 1)))[2]["user"]
    assert sent == _encode(_request(end_user="u" * length))[2]["user"]


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
def test_call_and_result_meet_again_under_the_id_of_a_server_with_its_own_rule(dialect: str) -> None:
    _, _, body = _encode(_request(dialect), tool_call_ids="mistral")
    called, answered = body["messages"][1]["tool_calls"][0]["id"], body["messages"][2]["tool_call_id"]
    assert called == answered
    assert len(called) == 9
    assert called.isalnum()


def test_legal_id_of_another_dialect_stays() -> None:
    _, _, body = _encode(_request())
    assert body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"] == "toolu_01"
