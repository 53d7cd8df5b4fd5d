"""The law of the byte path: of every recorded exchange, the provider is sent, and client and meter read, what the canonical path says."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from support import recordings
from support.both_paths import Outcome, canonical, undecoded
from support.chat import FACTS, deployment
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.anthropic_messages import MessagesSurface
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo as MessagesMemo
from tianji_core.dialects.anthropic_messages.memo import SurfaceMemo as MessagesShown
from tianji_core.dialects.openai_chat import Quirks
from tianji_core.dialects.openai_chat.memo import ProviderMemo as ChatMemo
from tianji_core.dialects.openai_chat.memo import SurfaceMemo as ChatShown
from tianji_core.dialects.openai_chat.surface import OpenAIChatSurface
from tianji_core.errors import TianjiError
from tianji_core.providers.anthropic import PROVIDER as ANTHROPIC
from tianji_core.providers.openai import PROVIDER as OPENAI
from tianji_core.translation.meter import Meter
from tianji_core.translation.path import CanonicalStream, RelayEvent, StreamPath, whole_answer

pytestmark = pytest.mark.recordings

_CHAT = ("openai", "groq", "deepseek", "cerebras", "zai", "openrouter", "huggingface", "mistral", "azure", "heroku", "snowflake")
_OPENAI: Any = OPENAI.chat
_ANTHROPIC: Any = ANTHROPIC.chat


def _answers(*, stream: bool) -> Iterator[Any]:
    found = [exchange for provider in _CHAT for exchange in recordings.exchanges(provider, "/chat/completions")]
    for exchange in (*found, *recordings.exchanges("anthropic", "/messages")):
        if exchange.status == 200 and exchange.is_stream == stream:
            yield pytest.param(exchange, id=recordings.short_id(exchange))


def _both(exchange: recordings.Exchange) -> tuple[Any, Any, Any, Any]:
    """Return the codec, its memo, the surface and its memo."""
    if exchange.provider == "anthropic":
        return _ANTHROPIC, MessagesMemo(facts=FACTS, provider="anthropic", model="up"), MessagesSurface(), MessagesShown(model="asked")
    usage = bool((exchange.request.get("stream_options") or {}).get("include_usage"))
    memo = ChatMemo(facts=FACTS, provider=exchange.provider, model="up", quirks=Quirks())
    return _OPENAI, memo, OpenAIChatSurface(), ChatShown(model="asked", include_usage=usage)


def _run(path: StreamPath, pieces: list[bytes]) -> tuple[bytes, Meter, str]:
    """Return what the caller gets, what the meter saw, and the class of the error that ended it."""
    events: list[RelayEvent] = []
    failure = ""
    try:
        for piece in pieces:
            events += path.feed(piece)
        events += path.close()
    except TianjiError as error:
        failure = type(error).__name__
    meter = Meter()
    for event in events:
        if event.reading is not None:
            meter.add(event.reading)
    return b"".join(event.data for event in events), meter, failure


def _seen(meter: Meter) -> tuple[object, ...]:
    return (meter.usage, meter.text, meter.finish_reasons, meter.model, meter.response_id)


def _cut(body: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(20))
    return [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]


def _values(stream: bytes) -> list[Any]:
    lines = [line[5:].strip() for line in stream.splitlines() if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if line and line != b"[DONE]"]


@pytest.mark.parametrize("exchange", list(_answers(stream=True)))
def test_meter_reads_the_same_of_a_stream_on_both_paths(exchange: recordings.Exchange) -> None:
    codec, memo, surface, shown = _both(exchange)
    canonical = CanonicalStream(codec.stream(memo), surface.stream(shown))
    _, expected, failure = _run(canonical, [exchange.body])
    taking_over = CanonicalStream(codec.stream(memo), surface.stream(shown))
    _, seen, failed = _run(codec.passing(memo, shown).stream(taking_over), [exchange.body])
    assert (_seen(seen), failed) == (_seen(expected), failure)


@pytest.mark.parametrize("exchange", list(_answers(stream=True)))
def test_bytes_are_the_same_whatever_the_cuts(exchange: recordings.Exchange) -> None:
    codec, memo, surface, shown = _both(exchange)
    results = []
    for pieces in ([exchange.body], _cut(exchange.body, 1), _cut(exchange.body, 2)):
        taking_over = CanonicalStream(codec.stream(memo), surface.stream(shown))
        data, meter, failure = _run(codec.passing(memo, shown).stream(taking_over), pieces)
        results.append((data, _seen(meter), failure))
    assert results[1] == results[0] == results[2]


@pytest.mark.parametrize("exchange", list(_answers(stream=True)))
def test_nothing_but_the_model_and_unasked_usage_changes_in_a_stream_that_passes(exchange: recordings.Exchange) -> None:
    codec, memo, surface, shown = _both(exchange)
    path = codec.passing(memo, shown).stream(CanonicalStream(codec.stream(memo), surface.stream(shown)))
    data, _, failure = _run(path, [exchange.body])
    if path._handed_over or failure:
        return
    given = [_as_shown(value, include_usage=getattr(shown, "include_usage", True)) for value in _values(exchange.body)]
    assert _values(data) == [value for value in given if value is not None]


def _as_shown(value: dict[str, Any], *, include_usage: bool) -> dict[str, Any] | None:
    changed = dict(value)
    if "model" in changed:
        changed["model"] = "asked"
    if isinstance(changed.get("message"), dict):
        changed["message"] = {**changed["message"], "model": "asked"}
    if not include_usage and changed.get("usage"):
        if not changed["choices"]:
            return None
        del changed["usage"]
    return changed


@pytest.mark.parametrize("exchange", list(_answers(stream=False)))
def test_meter_reads_the_same_of_a_whole_answer_on_both_paths(exchange: recordings.Exchange) -> None:
    codec, memo, surface, shown = _both(exchange)
    response = HttpResponse(status=200, body=exchange.body)
    event = codec.passing(memo, shown).whole(response)
    if event is None:
        return
    expected = whole_answer(response, codec, memo, surface, shown).reading
    assert expected is not None
    read = event.reading
    assert (read.usage, read.finish_reasons, read.model, read.response_id) == (
        expected.usage,
        expected.finish_reasons,
        expected.model,
        expected.response_id,
    )
    assert json.loads(event.data) == {**json.loads(exchange.body), "model": "asked"}


def test_most_recorded_streams_pass_to_their_end() -> None:
    passed = {True: 0, False: 0}
    for param in _answers(stream=True):
        exchange = param.values[0]
        codec, memo, surface, shown = _both(exchange)
        path = codec.passing(memo, shown).stream(CanonicalStream(codec.stream(memo), surface.stream(shown)))
        _, _, failure = _run(path, [exchange.body])
        passed[not path._handed_over and not failure] += 1
    assert passed[True] > passed[False]


def test_most_recorded_answers_pass() -> None:
    passed = {True: 0, False: 0}
    for param in _answers(stream=False):
        exchange = param.values[0]
        codec, memo, _, shown = _both(exchange)
        passed[codec.passing(memo, shown).whole(HttpResponse(status=200, body=exchange.body)) is not None] += 1
    assert passed[True] > 4 * passed[False]


def _questions() -> Iterator[Any]:
    """Return every recorded request, once: many were recorded twice."""
    found = [exchange for provider in _CHAT for exchange in recordings.exchanges(provider, "/chat/completions")]
    seen = set()
    for exchange in (*found, *recordings.exchanges("anthropic", "/messages")):
        body = json.dumps({"model": "m", **exchange.request}) if isinstance(exchange.request, dict) else ""
        if body and body not in seen:
            seen.add(body)
            yield pytest.param(exchange.provider, body.encode(), id=recordings.short_id(exchange))


def _on_both(provider: str, body: bytes) -> tuple[Outcome, Outcome, bool]:
    surface, codec = (MessagesSurface(), _ANTHROPIC) if provider == "anthropic" else (OpenAIChatSurface(), _OPENAI)
    target = deployment(provider, "claude-sonnet-4-5" if provider == "anthropic" else "gpt-4o")
    outcome, passed = undecoded(surface, codec, body, target)
    return canonical(surface, codec, body, target), outcome, passed


@pytest.mark.parametrize(("provider", "body"), list(_questions()))
def test_a_request_is_sent_the_same_on_both_paths(provider: str, body: bytes) -> None:
    expected, outcome, _ = _on_both(provider, body)
    assert outcome == expected


def test_most_recorded_requests_keep_their_bytes() -> None:
    passed = {True: 0, False: 0}
    for param in _questions():
        passed[_on_both(*param.values)[2]] += 1
    assert passed[True] > 4 * passed[False]
