"""The token bound holds for every recorded chat call: neither its bytes nor our own count is ever below what the provider billed."""

import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from support import recordings
from tianji_adapters.tokenizers.bpe import BpeTokenCounter
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.pricing.request_size import input_tokens, request_size
from tianji_core.surfaces.anthropic_messages import SURFACE as MESSAGES
from tianji_core.surfaces.openai_chat import SURFACE as CHAT
from tianji_core.translation.token_text import encoding_of, fixed_tokens, request_text
from tianji_core.wire.json import decode_object

pytestmark = [pytest.mark.recordings, pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning:bpe_openai")]

_CHAT = ("openai", "groq", "deepseek", "cerebras", "zai", "openrouter", "huggingface", "mistral", "azure", "heroku", "snowflake")
_ALL = [
    *((exchange, CHAT) for provider in _CHAT for exchange in recordings.exchanges(provider, "/chat/completions")),
    *((exchange, MESSAGES) for exchange in recordings.exchanges("anthropic", "/messages")),
]
_BUCKETS = ("prompt_tokens", "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def _usages(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("usage"), dict):
            yield value["usage"]
        for item in value.values():
            yield from _usages(item)


def _billed(exchange: recordings.Exchange) -> int:
    lines = exchange.body.decode().splitlines() if exchange.is_stream else ["data: " + exchange.body.decode()]
    events = [json.loads(line[5:]) for line in lines if line.startswith("data:") and line[5:].strip() not in ("", "[DONE]")]
    return max((sum(usage.get(name) or 0 for name in _BUCKETS) for event in events for usage in _usages(event)), default=0)


def _as_a_client_writes(request: dict[str, Any]) -> dict[str, Any]:
    """Return the request in OpenAI's words where the recorded vendor has its own."""
    changed = dict(request)
    if changed.get("tool_choice") == "any":
        changed["tool_choice"] = "required"
    if any("function" in tool for tool in changed.get("tools", [])):
        changed["tools"] = [{"type": "function", **tool} for tool in changed["tools"]]
    return changed


def _cases() -> Iterator[Any]:
    for exchange, surface in _ALL:
        if exchange.status == 200 and isinstance(exchange.request, dict) and _billed(exchange):
            yield pytest.param(exchange, surface, id=recordings.short_id(exchange))


@pytest.mark.parametrize(("exchange", "surface"), list(_cases()))
def test_no_recorded_call_was_billed_more_input_than_its_bound(exchange: recordings.Exchange, surface: Any) -> None:
    body = json.dumps(_as_a_client_writes(exchange.request), ensure_ascii=False, separators=(",", ":")).encode()
    request = surface.codec.decode(decode_object(body), None, ()).request
    size = request_size(request, len(body))
    deployment = Deployment(id=DeploymentId("d"), group="g", provider=exchange.provider, model=request.model)
    counted = anyio.run(BpeTokenCounter().count, request_text(request), encoding_of(request.model)) + fixed_tokens(request)
    billed = _billed(exchange)
    assert billed <= input_tokens(size, deployment)
    assert billed <= input_tokens(size, deployment, counted=counted)
