"""The HTTP request: address, credential, version and betas; and the token count."""

import json
from typing import Any

import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.chat import File, Message
from tianji_core.calls.http import Bearer, HeaderKey, HttpResponse, NoAuth, header
from tianji_core.calls.secret import Secret
from tianji_core.dialects.anthropic_messages import DIALECT, AnthropicMessages, AnthropicTokenCount, Server
from tianji_core.errors import ConfigurationError, UpstreamProtocolError, UpstreamRateLimitedError

_SERVER = Server(provider="acme", base_url="https://acme.example")
_CODEC = AnthropicMessages(server=_SERVER)
_COUNT = AnthropicTokenCount(server=_SERVER)


def _headers(settings: dict[str, Any] | None = None, **request: Any) -> dict[str, str]:
    target = deployment("anthropic", "claude-sonnet-4-0", **(settings or {}))
    return dict(_CODEC.encode(chat_request(**request), target, FACTS).http.headers)


@pytest.mark.parametrize(
    ("secret", "auth"),
    [
        (Secret("sk-ant-api"), HeaderKey("x-api-key", Secret("sk-ant-api"))),
        (Secret("sk-ant-oat01-x"), Bearer(Secret("sk-ant-oat01-x"))),
        (None, NoAuth()),
    ],
)
def test_kind_of_key_decides_how_it_is_shown(secret: Secret | None, auth: object) -> None:
    target = deployment("anthropic", "claude-sonnet-4-0", auth_secret=secret)
    assert _CODEC.encode(chat_request(), target, FACTS).http.auth == auth


def test_token_of_an_account_needs_a_beta() -> None:
    assert _headers({"auth_secret": Secret("sk-ant-oat01-x")})["anthropic-beta"] == "oauth-2025-04-20"


def test_version_is_the_callers_in_the_same_dialect_else_the_deployments_else_the_default() -> None:
    asked = (("anthropic-version", "2026-10-21"),)
    configured = {"options": {"anthropic_version": "2027-01-01"}}
    assert _headers()["anthropic-version"] == "2023-06-01"
    assert _headers(configured)["anthropic-version"] == "2027-01-01"
    assert _headers(configured, dialect=DIALECT, forward_headers=asked)["anthropic-version"] == "2026-10-21"
    assert _headers(forward_headers=asked)["anthropic-version"] == "2023-06-01"


def test_betas_of_everybody_are_joined_once() -> None:
    file = Message(role="user", parts=(File(file_id="f"),))
    assert _headers(messages=(file,))["anthropic-beta"] == "files-api-2025-04-14"
    settings = {"headers": (("anthropic-beta", "a, b"), ("x-own", "1"))}
    sent = _headers(settings, dialect=DIALECT, forward_headers=(("anthropic-beta", "b,c"),))
    assert (sent["anthropic-beta"], sent["x-own"]) == ("a,b,c", "1")
    assert "anthropic-beta" not in _headers()


def test_body_and_address_are_those_of_messages() -> None:
    encoded = _CODEC.encode(chat_request(), deployment("anthropic", "claude-sonnet-4-0"), FACTS)
    assert (encoded.http.method, encoded.http.url) == ("POST", "https://acme.example/v1/messages")
    assert header(encoded.http.headers, "content-type") == "application/json"
    assert json.loads(encoded.http.body)["model"] == "claude-sonnet-4-0"
    assert (encoded.memo.provider, encoded.memo.facts) == ("acme", FACTS)


def test_what_is_dropped_is_named() -> None:
    target = deployment("anthropic", "claude-sonnet-4-0", parameter_mode="drop")
    assert _CODEC.encode(chat_request(parameters={"seed": 1}), target, FACTS).dropped == ("seed",)


def test_server_without_an_address_needs_one_configured() -> None:
    codec = AnthropicMessages(server=Server(provider="acme", base_url=None))
    with pytest.raises(ConfigurationError):
        codec.encode(chat_request(), deployment("acme", "m"), FACTS)
    encoded = codec.encode(chat_request(), deployment("acme", "m", base_url="http://h:1/"), FACTS)
    assert encoded.http.url == "http://h:1/v1/messages"


def test_count_sends_the_input_alone() -> None:
    target = deployment("anthropic", "claude-sonnet-4-0")
    request = chat_request(max_output_tokens=5, stream=True, stop=("x",), end_user="u", parameters={"temperature": 0, "seed": 1})
    encoded = _COUNT.encode(request, target, FACTS)
    assert encoded.http.url == "https://acme.example/v1/messages/count_tokens"
    assert set(json.loads(encoded.http.body)) == {"model", "messages"}
    assert _COUNT.decode(HttpResponse(status=200, body=b'{"input_tokens": 14}'), encoded.memo) == 14


@pytest.mark.parametrize("body", [b"{}", b'{"input_tokens": true}', b"no"])
def test_count_without_a_number_is_a_broken_answer(body: bytes) -> None:
    memo = _COUNT.encode(chat_request(), deployment("anthropic", "claude-sonnet-4-0"), FACTS).memo
    with pytest.raises(UpstreamProtocolError):
        _COUNT.decode(HttpResponse(status=200, body=body), memo)


def test_errors_are_named_after_the_server() -> None:
    answer = HttpResponse(status=429, body=b'{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}')
    for codec in (_CODEC, _COUNT):
        error = codec.error(answer)
        assert isinstance(error, UpstreamRateLimitedError)
        assert error.message == "acme: slow"
