"""The edits of a chat body that keeps its bytes."""

import json
from typing import Any

import pytest

from support.chat import FACTS, deployment
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks, Server
from tianji_core.dialects.openai_chat.surface import OpenAIChatSurface
from tianji_core.shapes.codecs import Encoded

_PLAIN = Quirks(developer_role="developer")
_MESSAGES = b'[ {"role": "user",  "content": "h\\u0069"} ]'


def _encode(fields: bytes = b"", messages: bytes = _MESSAGES, *, quirks: Quirks = _PLAIN, **changes: Any) -> Encoded | None:
    read = OpenAIChatSurface().read(b'{"messages": ' + messages + b', "model": "m"' + fields + b"}", None, (("openai-beta", "x"),))
    assert read is not None
    codec = OpenAIChat(server=Server(provider="acme", base_url="http://acme", quirks=quirks))
    return codec.encode_raw(read.raw, deployment("acme", **changes), FACTS)


def _sent(fields: bytes = b"", **changes: Any) -> bytes:
    encoded = _encode(fields, **changes)
    assert encoded is not None
    return encoded.http.body


def test_values_keep_their_bytes_and_their_order() -> None:
    assert _sent(b', "temperature": 0.70, "top_k" : 1e2') == (
        b'{"messages":' + _MESSAGES + b',"model":"gpt-4o","temperature":0.70,"top_k":1e2}'
    )


def test_what_steers_the_gateway_stays_behind() -> None:
    sent = json.loads(_sent(b', "tags": ["a"], "timeout": 5, "api_key": "sk-own", "metadata": {"a": "b"}, "seed": null'))
    assert sent.keys() == {"messages", "model"}


def test_extra_body_of_the_caller_is_merged_last_and_that_of_the_operator_first() -> None:
    sent = json.loads(_sent(b', "seed": 1, "extra_body": {"model": "mine", "min_p": 0.1}', extra_body={"seed": 2, "safe": True}))
    assert (sent["model"], sent["min_p"], sent["seed"], sent["safe"], "extra_body" in sent) == ("mine", 0.1, 1, True, False)


def test_usage_is_asked_for_in_every_stream() -> None:
    assert _sent(b', "stream": true').endswith(b',"stream":true,"stream_options":{"include_usage":true}}')
    assert b"stream_options" not in _sent(b', "stream": true', quirks=Quirks(no_stream_options=True))
    assert b"stream" not in _sent(b', "stream": false')


def test_reasoning_model_gets_the_newer_name_of_the_output_limit() -> None:
    quirks = Quirks(openai_models=True)
    assert json.loads(_sent(b', "max_tokens": 5', quirks=quirks, model="o3-mini"))["max_completion_tokens"] == 5


def test_what_is_left_out_is_named() -> None:
    encoded = _encode(
        b', "top_p": 0.5, "temperature": 0.2, "seed": 1, "user": "u"',
        quirks=Quirks(openai_models=True, ignored=frozenset({"user"})),
        model="o3-mini",
        parameter_mode="drop",
        dropped_parameters=frozenset({"seed"}),
    )
    assert encoded is not None
    assert set(encoded.dropped) == {"top_p", "temperature", "seed", "user"}
    assert json.loads(encoded.http.body).keys() == {"messages", "model"}


def test_parameter_that_is_refused_goes_the_canonical_way() -> None:
    assert _encode(b', "seed": 1', quirks=Quirks(unsupported=frozenset({"seed"}))) is None


_PART = b'[{"role": "user", "content": [{"type": "text", "text": "hi"}]}]'
_NAMED = b'[{"role": "user", "content": "hi", "name": "bob"}]'
_DEVELOPER = b'[{"role": "developer", "content": "hi"}]'
_CALLED = b'[{"role": "tool", "tool_call_id": "c", "content": "1"}]'
_TOOLS = b', "tools": [{"type": "function", "function": {"name": "f"}}]'


@pytest.mark.parametrize(
    ("messages", "fields", "quirks"),
    [
        (_PART, b"", {"flatten": "text"}),
        (_NAMED, b"", {"drops_name": True}),
        (_DEVELOPER, b"", {"developer_role": "system"}),
        (_CALLED, b"", {"tool_call_ids": "mistral"}),
        (_CALLED, b"", {"replays_reasoning": True}),
        (_MESSAGES, _TOOLS, {"drops_tool_fields": frozenset({"strict"})}),
        (_MESSAGES, _TOOLS, {"drops_schema_keywords": frozenset({"default"})}),
        (_MESSAGES, _TOOLS + b', "tool_choice": "required"', {"required_choice": "any"}),
        (_MESSAGES, b', "response_format": {"type": "json_schema", "json_schema": {"name": "x"}}', {"no_json_schema": True}),
        (_MESSAGES, b', "reasoning_effort": "low"', {"thinking_switch": True}),
        (_MESSAGES, b', "temperature": 2', {"max_temperature": "1"}),
        (_MESSAGES, b', "n": 2', {"single_choice": True}),
    ],
)
def test_server_that_takes_something_else_gets_it_the_canonical_way(messages: bytes, fields: bytes, quirks: dict[str, Any]) -> None:
    assert _encode(fields, messages, quirks=Quirks(**{"developer_role": "developer", **quirks})) is None
    assert _encode(fields, messages) is not None


def test_request_is_sent_as_the_canonical_one_is() -> None:
    encoded = _encode()
    assert encoded is not None
    assert (encoded.http.url, encoded.http.method) == ("http://acme/v1/chat/completions", "POST")
    assert encoded.http.headers == (("content-type", "application/json"), ("openai-beta", "x"))
