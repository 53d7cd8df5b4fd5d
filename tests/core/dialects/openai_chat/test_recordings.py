"""Every recorded exchange of this dialect is decoded without an error and encoded again without a loss."""

import json
from typing import Any

import pytest

from support import recordings
from support.chat import FACTS
from tianji_core.dialects.openai_chat import Quirks
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.response import decode_response, encode_response
from tianji_core.dialects.openai_chat.stream_decode import ChatStreamDecoder

pytestmark = pytest.mark.recordings

_PROVIDERS = ("openai", "groq", "deepseek", "cerebras", "zai", "openrouter", "huggingface", "mistral", "azure", "heroku", "snowflake")
_ALL = [
    exchange
    for provider in (_PROVIDERS if recordings.available() else ())
    for exchange in recordings.exchanges(provider, "/chat/completions")
    if exchange.status == 200
]
_WHOLE = [exchange for exchange in _ALL if not exchange.is_stream]
_FAILING = {"test_groq/test_tool_use_failed_error_streaming#0"}
_STREAMS = [exchange for exchange in _ALL if exchange.is_stream and exchange.id not in _FAILING]
_ONE_BY_ONE = 16 * 1024


def _memo(provider: str) -> ProviderMemo:
    field = "reasoning" if provider in ("groq", "cerebras", "openrouter") else "reasoning_content"
    return ProviderMemo(facts=FACTS, provider=provider, model="m", quirks=Quirks(reasoning_field=field))


def _lost(before: Any, after: Any, path: str = "") -> list[str]:
    if before is None or before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [name for key in before for name in _lost(before[key], after.get(key), f"{path}.{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [name for n, (one, two) in enumerate(zip(before, after, strict=True)) for name in _lost(one, two, f"{path}[{n}]")]
    return [f"{path}: {before!r} became {after!r}"]


_RESHAPED = ("mistral", "snowflake")
"""These write content or calls in shapes of their own, which become OpenAI's."""


@pytest.mark.parametrize("exchange", [one for one in _WHOLE if one.provider not in _RESHAPED], ids=recordings.short_id)
def test_whole_answer_loses_nothing_on_its_way_back(exchange: recordings.Exchange) -> None:
    response = decode_response(exchange.body, _memo(exchange.provider))
    after = json.loads(encode_response(response, SurfaceMemo(model=response.model)))
    before = json.loads(exchange.body)
    lost = _lost(before, after)
    assert [entry for entry in lost if "cache_write_tokens" not in entry] == []


@pytest.mark.parametrize("exchange", [one for one in _WHOLE if one.provider in _RESHAPED], ids=recordings.short_id)
def test_answer_in_another_shape_is_decoded(exchange: recordings.Exchange) -> None:
    response = decode_response(exchange.body, _memo(exchange.provider))
    assert all(choice.message.parts for choice in response.choices)
    assert response.usage is not None


@pytest.mark.parametrize("exchange", _STREAMS, ids=recordings.short_id)
def test_stream_decodes_the_same_one_byte_at_a_time_and_in_two_pieces(exchange: recordings.Exchange) -> None:
    whole = ChatStreamDecoder(_memo(exchange.provider))
    chunks = [*whole.feed(exchange.body), *whole.close()]
    single = ChatStreamDecoder(_memo(exchange.provider))
    assert [chunk for n in range(len(exchange.body)) for chunk in single.feed(exchange.body[n : n + 1])] == chunks
    step = 1 if len(exchange.body) <= _ONE_BY_ONE else 97
    for cut in range(0, len(exchange.body), step * 41):
        halves = ChatStreamDecoder(_memo(exchange.provider))
        assert [*halves.feed(exchange.body[:cut]), *halves.feed(exchange.body[cut:])] == chunks
