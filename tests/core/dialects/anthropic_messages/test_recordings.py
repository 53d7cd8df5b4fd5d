"""Every recorded exchange of this dialect is decoded without an error and encoded again without a loss."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support import recordings
from support.chat import FACTS, deployment
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.anthropic_messages import CountTokensCodec, MessagesSurface
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.stream_decode import MessagesStreamDecoder
from tianji_core.errors import InvalidRequestError, TianjiError, UpstreamModelMissingError
from tianji_core.providers.anthropic import PROVIDER
from tianji_core.wire.json import decode_object

pytestmark = pytest.mark.recordings

_ALL = recordings.exchanges("anthropic", "/messages") if recordings.available() else ()
_COUNTS = recordings.exchanges("anthropic", "/messages/count_tokens") if recordings.available() else ()
_WHOLE = [exchange for exchange in _ALL if exchange.status == 200 and not exchange.is_stream]
_STREAMS = [exchange for exchange in _ALL if exchange.status == 200 and exchange.is_stream]
_ERRORS = [exchange for exchange in _ALL if exchange.status != 200]
_MEMO = ProviderMemo(facts=FACTS, provider="anthropic", model="up")
_CODEC: Any = PROVIDER.chat
_COUNT: Any = PROVIDER.count_tokens


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _sent(exchange: recordings.Exchange, surface: MessagesSurface | CountTokensCodec, codec: Any) -> Any:
    decoded = surface.decode(decode_object(json.dumps(exchange.request).encode()), None, ())
    return json.loads(codec.encode(decoded.request, deployment("anthropic", exchange.request["model"]), FACTS).http.body)


@pytest.mark.parametrize("exchange", _ALL, ids=recordings.short_id)
def test_request_is_sent_as_it_came(exchange: recordings.Exchange) -> None:
    given = {name: value for name, value in exchange.request.items() if (name, value) != ("stream", False)}
    assert _without_nulls(_sent(exchange, MessagesSurface(), _CODEC)) == _without_nulls(given)


@pytest.mark.parametrize("exchange", _WHOLE, ids=recordings.short_id)
def test_whole_answer_loses_nothing_on_its_way_back(exchange: recordings.Exchange) -> None:
    response = _CODEC.decode(HttpResponse(status=200, body=exchange.body), _MEMO)
    shown = json.loads(MessagesSurface().encode(response, SurfaceMemo(model=response.model)))
    assert _without_nulls(shown) == _without_nulls(json.loads(exchange.body))


@pytest.mark.parametrize("exchange", _STREAMS, ids=recordings.short_id)
def test_sdk_reads_the_same_stream_from_us_as_from_the_vendor(exchange: recordings.Exchange, sdk_reads: Callable[[bytes], Any]) -> None:
    decoder = MessagesStreamDecoder(_MEMO)
    chunks = [*decoder.feed(exchange.body), *decoder.close()]
    encoder = MessagesSurface().stream(SurfaceMemo(model=chunks[0].model))
    events = [event for chunk in chunks for event in encoder.feed(chunk)]
    assert sdk_reads(b"".join(event.data for event in [*events, *encoder.close()])) == sdk_reads(exchange.body)


@pytest.mark.parametrize("exchange", _STREAMS, ids=recordings.short_id)
def test_stream_decodes_the_same_one_byte_at_a_time_and_in_two_pieces(exchange: recordings.Exchange) -> None:
    whole = MessagesStreamDecoder(_MEMO)
    chunks = [*whole.feed(exchange.body), *whole.close()]
    single = MessagesStreamDecoder(_MEMO)
    assert [chunk for n in range(len(exchange.body)) for chunk in single.feed(exchange.body[n : n + 1])] == chunks
    for cut in range(0, len(exchange.body), max(1, len(exchange.body) // 200)):
        halves = MessagesStreamDecoder(_MEMO)
        assert [*halves.feed(exchange.body[:cut]), *halves.feed(exchange.body[cut:])] == chunks


@pytest.mark.parametrize("exchange", _ERRORS, ids=recordings.short_id)
def test_error_has_a_class(exchange: recordings.Exchange) -> None:
    error: TianjiError = _CODEC.error(HttpResponse(status=exchange.status, body=exchange.body))
    assert type(error) is {400: InvalidRequestError, 404: UpstreamModelMissingError}[exchange.status]
    assert json.loads(exchange.body)["error"]["message"] in error.message


@pytest.mark.parametrize("exchange", _COUNTS, ids=recordings.short_id)
def test_token_count_is_asked_and_understood(exchange: recordings.Exchange) -> None:
    assert _sent(exchange, CountTokensCodec(), _COUNT) == exchange.request
    assert _COUNT.decode(HttpResponse(status=200, body=exchange.body), _MEMO) == json.loads(exchange.body)["input_tokens"]
