"""From a provider's bytes to a caller's bytes, each event with what the meter saw."""

import json
from typing import Any

import pytest

from support.chat import FACTS
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks, Server
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.surface import OpenAIChatSurface
from tianji_core.errors import UpstreamProtocolError
from tianji_core.shapes.codecs import Event
from tianji_core.translation.path import CanonicalStream, whole_answer

_CODEC = OpenAIChat(server=Server(provider="acme", base_url=None))
_SURFACE = OpenAIChatSurface()
_MEMO = ProviderMemo(facts=FACTS, provider="acme", model="m", quirks=Quirks())


def _event(**chunk: object) -> bytes:
    return b"data: " + json.dumps({"id": "c", "created": 1, "model": "m", **chunk}).encode() + b"\n\n"


_ROLE = _event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}])
_TEXT = _event(choices=[{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}])
_USAGE = _event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 1})


def _path() -> CanonicalStream:
    encoder: Any = _SURFACE.stream(SurfaceMemo(model="asked"))
    return CanonicalStream(_CODEC.stream(_MEMO), encoder)


def test_content_commits_and_usage_is_read_from_a_chunk_that_is_not_shown() -> None:
    path = _path()
    role = path.feed(_ROLE)
    text = path.feed(_TEXT)
    usage = path.feed(_USAGE)
    end = path.close()
    assert [[event.content for event in events] for events in (role, text, usage, end)] == [[False], [True], [False], [True]]
    assert usage[0].data == b""
    assert usage[0].reading is not None
    assert usage[0].reading.usage is not None
    assert usage[0].reading.usage.input_text == 3
    assert end[-1].data == b"data: [DONE]\n\n"


def test_readings_of_all_events_hold_every_text_once() -> None:
    path = _path()
    events = [*path.feed(_ROLE + _TEXT + _TEXT + _USAGE), *path.close()]
    assert "".join(event.reading.text for event in events if event.reading) == "hihi"


def test_cut_stream_raises_at_its_end_and_has_an_error_event() -> None:
    path = _path()
    path.feed(_ROLE)
    with pytest.raises(UpstreamProtocolError):
        path.close()
    assert b'"error"' in path.error(UpstreamProtocolError("cut"), "r")
    assert path.keep_alive().startswith(b":")


def test_whole_answer_is_bytes_and_reading() -> None:
    body = b'{"id":"c","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    event = whole_answer(HttpResponse(status=200, body=body), _CODEC, _MEMO, _SURFACE, SurfaceMemo(model="asked"))
    assert json.loads(event.data)["model"] == "asked"
    assert event.reading is not None
    assert event.reading.text == "hi"


class _Silent:
    """A surface that shows only what closes a stream, and every second chunk."""

    def __init__(self) -> None:
        self.seen = 0

    def feed(self, chunk: object) -> list[Event]:
        self.seen += 1
        return [Event(data=b"two")] if self.seen % 2 == 0 else []

    def close(self) -> list[Event]:
        return [Event(data=b"end")]

    def error(self, error: Exception, request_id: str) -> list[Event]:
        return [Event(data=b"a"), Event(data=b"b")]

    def keep_alive(self) -> bytes:
        return b""


def test_chunks_without_an_event_of_their_own_count_with_the_next_one_or_alone() -> None:
    path = CanonicalStream(_CODEC.stream(_MEMO), _Silent())
    events = path.feed(_USAGE + _TEXT + _TEXT)
    assert [(event.data, event.content) for event in events] == [(b"two", True), (b"", False)]
    both, alone = events[0].reading, events[1].reading
    assert both is not None
    assert alone is not None
    assert (both.text, both.finish_reasons, both.usage.input_text if both.usage else None) == ("hi", ("stop",), 3)
    assert alone.text == "hi"
    assert path.error(UpstreamProtocolError("x"), "r") == b"ab"
