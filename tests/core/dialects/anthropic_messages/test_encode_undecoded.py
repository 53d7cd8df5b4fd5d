"""The edits of a Messages body that keeps its bytes."""

import json
from typing import Any

import pytest

from support.chat import FACTS, deployment
from tianji_core.dialects.anthropic_messages import MessagesSurface
from tianji_core.providers.anthropic import PROVIDER
from tianji_core.shapes.codecs import Encoded

_CODEC: Any = PROVIDER.chat
_MESSAGES = b'[ {"role": "user",  "content": "h\\u0069"} ]'


def _encode(fields: bytes = b"", headers: tuple[tuple[str, str], ...] = (), **changes: Any) -> Encoded | None:
    body = b'{"messages": ' + _MESSAGES + b', "model": "m", "max_tokens": 9' + fields + b"}"
    read = MessagesSurface().read(body, None, headers)
    assert read is not None
    encoded: Encoded | None = _CODEC.encode_raw(read.raw, deployment("anthropic", **{"model": "claude-sonnet-4-5", **changes}), FACTS)
    return encoded


def _sent(fields: bytes = b"", **changes: Any) -> bytes:
    encoded = _encode(fields, **changes)
    assert encoded is not None
    return encoded.http.body


def test_values_keep_their_bytes_and_their_order() -> None:
    expected = b'{"messages":' + _MESSAGES + b',"model":"claude-sonnet-4-5","max_tokens":9,"temperature":0.70,"new":{ "a": 1e2 }}'
    assert _sent(b', "temperature": 0.70, "new": { "a": 1e2 }') == expected


def test_what_steers_the_gateway_stays_behind() -> None:
    sent = json.loads(_sent(b', "tags": ["a"], "timeout": 5, "api_key": "sk-own", "metadata": {"user_id": "u"}, "stream": false'))
    assert sent.keys() == {"messages", "model", "max_tokens", "metadata"}


def test_extra_body_of_the_caller_is_merged_last_and_that_of_the_operator_first() -> None:
    sent = json.loads(_sent(b', "extra_body": {"model": "mine", "safe": 1}', extra_body={"safe": 2, "kind": 3}))
    assert (sent["model"], sent["safe"], sent["kind"], "extra_body" in sent) == ("mine", 1, 3, False)


def test_what_is_left_out_is_named() -> None:
    encoded = _encode(
        b', "top_p": 0.5, "temperature": 1, "container": {"id": "c"}',
        options={"anthropic_version": "2026-10-21"},
        dropped_parameters=frozenset({"container"}),
    )
    assert encoded is not None
    assert set(encoded.dropped) == {"top_p", "container"}
    assert json.loads(encoded.http.body).keys() == {"messages", "model", "max_tokens"}


def test_client_that_chose_the_version_keeps_its_parameters() -> None:
    encoded = _encode(b', "top_p": 0.5', (("anthropic-version", "2026-10-21"), ("anthropic-beta", "a")))
    assert encoded is not None
    assert b'"top_p":0.5' in encoded.http.body
    assert encoded.http.headers[1:] == (("anthropic-version", "2026-10-21"), ("anthropic-beta", "a"))


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        (b', "thinking": {"type": "disabled"}', {"model": "claude-fable-5"}),
        (b', "thinking": {"type": "enabled", "budget_tokens": 1024}', {"model": "claude-opus-4-8"}),
        (b', "container": {"id": "c"}', {"extra_body": {"container": {"skills": []}}}),
        (b"", {"extra_body": {"thinking": {"type": "adaptive"}}}),
        (b"", {"dropped_parameters": frozenset({"user"})}),
    ],
)
def test_what_is_wanted_otherwise_goes_the_canonical_way(fields: bytes, changes: dict[str, Any]) -> None:
    assert _encode(fields, **changes) is None
    assert _encode(fields) is not None
