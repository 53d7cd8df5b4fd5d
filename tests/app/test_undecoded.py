"""A client's own bytes on their way to a provider of its dialect, and when the whole body is decoded after all."""

from typing import Any

import msgspec
import pytest

from support.gateway_parts import Parts, deployment, fetch, inbound, make_parts, refused, virtual_key
from support.provider_answers import refusal, whole
from support.scripted_transport import Script
from tianji_core.access.limits import Limits
from tianji_core.dialects.openai_chat.surface import OpenAIChatSurface
from tianji_core.errors import InvalidRequestError
from tianji_core.ports.gateway import Inbound

pytestmark = pytest.mark.anyio

_MESSAGES = b'[ {"role": "user", "content": "h\\u0069"} ]'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every body that the surface decoded whole."""
    found: list[object] = []
    whole_decode = OpenAIChatSurface.decode

    def decode(self: OpenAIChatSurface, body: Any, *rest: Any) -> Any:
        found.append(body)
        return whole_decode(self, body, *rest)

    monkeypatch.setattr(OpenAIChatSurface, "decode", decode)
    return found


def _call(fields: bytes = b"") -> Inbound:
    return inbound(b'{"messages": ' + _MESSAGES + b', "model": "fast"' + fields + b"}")


def _sent(parts: Parts) -> list[bytes]:
    return [sent.request.body for sent in parts.transport.sent]


async def test_provider_gets_the_callers_own_bytes(decoded: list[object]) -> None:
    parts = make_parts()
    parts.answer("a", whole("hi"))
    await fetch(parts, _call(b', "temperature": 0.70, "tags": ["one"]'))
    assert _sent(parts) == [b'{"messages":' + _MESSAGES + b',"model":"gpt-4o","temperature":0.70}']
    assert (decoded, parts.event.tags) == ([], ("one",))


async def test_caller_with_a_wide_budget_needs_no_decoding(decoded: list[object]) -> None:
    parts = make_parts(keys=[virtual_key(limits=Limits(max_budget_nano=10**15, tpm=10**9))])
    parts.answer("a", whole("hi"))
    await fetch(parts, _call(b', "max_tokens": 5'))
    assert decoded == []


async def test_output_that_a_budget_limits_is_sent(decoded: list[object]) -> None:
    parts = make_parts(keys=[virtual_key(limits=Limits(max_budget_nano=50_000_000))])
    parts.answer("a", whole("hi"))
    await fetch(parts, _call())
    assert msgspec.json.decode(_sent(parts)[0])["max_tokens"] < 16_384
    assert len(decoded) == 1


async def test_fallback_to_another_dialect_decodes_once(decoded: list[object]) -> None:
    first, other = deployment("a"), deployment("b", provider="anthropic", model="claude-sonnet-4-5", base_url="http://b", order=2)
    parts = make_parts(first, other)
    parts.answer("a", refusal(500, "busy"), refusal(500, "busy"), refusal(500, "busy"))
    parts.answer("b", refusal(400, "no"))
    await refused(parts, _call(), InvalidRequestError)
    assert msgspec.json.decode(_sent(parts)[-1])["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert len(decoded) == 1


async def test_answer_without_usage_is_counted_from_the_decoded_request(decoded: list[object]) -> None:
    parts = make_parts()
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    parts.answer("a", Script((msgspec.json.encode({"id": "c", "model": "gpt-4o", "created": 1, "choices": [choice]}),)))
    await fetch(parts, _call())
    assert parts.event.usage_source == "estimated"
    assert (parts.event.usage.input_total or 0) > 0
    assert len(decoded) == 1


async def test_wrong_field_is_refused_before_anything_is_sent() -> None:
    parts = make_parts()
    error = await refused(parts, _call(b', "temperature": "warm"'), InvalidRequestError)
    assert (error.param, error.code, _sent(parts)) == ("temperature", "invalid_type", [])
