"""Which answers pass, and what is changed in them."""

import json
from typing import Any

import pytest

from support.chat import FACTS
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.anthropic_messages import MessagesSurface
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.passing import passing
from tianji_core.errors import TianjiError, UpstreamProtocolError
from tianji_core.providers.anthropic import PROVIDER
from tianji_core.translation.path import CanonicalStream, StreamPath

_CODEC: Any = PROVIDER.chat
_MEMO = ProviderMemo(facts=FACTS, provider="anthropic", model="up")
_SHOWN = SurfaceMemo(model="asked")
_ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "up",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def _stream() -> StreamPath:
    found = passing(_MEMO, _SHOWN)
    assert found is not None
    encoder: Any = MessagesSurface().stream(_SHOWN)
    return found.stream(CanonicalStream(_CODEC.stream(_MEMO), encoder))


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, separators=(',', ':'))}\n\n".encode()


_START = _event("message_start", message={**_ANSWER, "content": [], "stop_reason": None, "usage": {"input_tokens": 3, "output_tokens": 1}})
_TEXT = _event("content_block_start", index=0, content_block={"type": "text", "text": ""}) + _event(
    "content_block_delta", index=0, delta={"type": "text_delta", "text": "hi"}
)
_END = _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
_STOP = _event("message_stop")


def test_nothing_passes_where_names_or_the_form_were_changed() -> None:
    assert passing(ProviderMemo(facts=FACTS, provider="a", model="up", names={"a": "b"}), _SHOWN) is None
    assert passing(ProviderMemo(facts=FACTS, provider="a", model="up", json_tool=True), _SHOWN) is None


def test_a_stream_keeps_its_bytes_but_for_the_model() -> None:
    path = _stream()
    events = path.feed(_START + _TEXT + _END + _STOP)
    assert b"".join(event.data for event in events) == (_START + _TEXT + _END).replace(b'"up"', b'"asked"')
    assert [event.data for event in path.close()] == [_STOP]
    reading = events[0].reading
    assert reading is not None
    assert reading.usage is not None
    assert (reading.text, reading.finish_reasons, reading.response_id, reading.model) == ("hi", ("stop",), "msg_1", "up")
    assert (reading.usage.input_total, reading.usage.output_total) == (3, 2)


def test_the_start_and_pings_commit_nothing() -> None:
    path = _stream()
    assert [event.content for event in path.feed(_START + _event("ping"))] == [False]
    assert [event.content for event in path.feed(_TEXT)] == [True]


def test_what_a_server_tool_writes_is_handed_on_and_not_counted() -> None:
    path = _stream()
    path.feed(_START)
    tool = _event("content_block_start", index=1, content_block={"type": "server_tool_use", "id": "s", "name": "web_search"})
    more = _event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": "{}"})
    events = path.feed(tool + more)
    assert b"".join(event.data for event in events) == tool + more
    assert [event.reading.text for event in events if event.reading] == [""]


def test_events_newer_than_this_code_are_handed_on() -> None:
    path = _stream()
    path.feed(_START)
    newer = _event("something_new", value=1)
    assert [event.data for event in path.feed(newer)] == [newer]


def test_an_error_event_is_the_canonical_paths() -> None:
    path = _stream()
    path.feed(_START)
    with pytest.raises(TianjiError, match="busy"):
        path.feed(_event("error", error={"type": "overloaded_error", "message": "busy"}))


def test_a_stream_that_does_not_begin_as_a_message_is_the_canonical_paths() -> None:
    foreign = _event("message_start", message={**_ANSWER, "id": "chatcmpl-1", "content": [], "stop_reason": None})
    data = b"".join(event.data for event in _stream().feed(foreign + _TEXT))
    assert b'"id":"msg_chatcmpl-1"' in data


def test_what_is_not_json_is_an_error() -> None:
    path = _stream()
    path.feed(_START)
    with pytest.raises(UpstreamProtocolError):
        path.feed(b"data: {nonsense\n\n")


def test_a_cut_stream_is_an_error() -> None:
    path = _stream()
    path.feed(_START + _TEXT + _END)
    with pytest.raises(UpstreamProtocolError):
        path.close()


def test_a_whole_answer_keeps_its_bytes_but_for_the_model() -> None:
    found = passing(_MEMO, _SHOWN)
    assert found is not None
    body = json.dumps(_ANSWER).encode()
    event = found.whole(HttpResponse(status=200, body=body))
    assert event is not None
    assert event.data == body.replace(b'"model": "up"', b'"model":"asked"')


@pytest.mark.parametrize(
    "changes", [{"id": "chatcmpl-1"}, {"stop_reason": "new_word"}, {"type": "error"}, {"usage": []}, {"usage": None}, {"content": None}]
)
def test_an_answer_that_the_canonical_path_would_change_does_not_pass(changes: dict[str, Any]) -> None:
    found = passing(_MEMO, _SHOWN)
    assert found is not None
    assert found.whole(HttpResponse(status=200, body=json.dumps({**_ANSWER, **changes}).encode())) is None


def test_a_start_without_usage_is_the_canonical_paths() -> None:
    start = _event("message_start", message={**_ANSWER, "content": [], "stop_reason": None, "usage": None})
    path = _stream()
    data = b"".join(event.data for event in path.feed(start + _TEXT + _END + _STOP)) + b"".join(event.data for event in path.close())
    assert b"hi" in data
    assert data.count(b"event: message_start") == 1


def test_text_before_usage_that_is_none_is_not_lost() -> None:
    path = _stream()
    events = path.feed(_START + _TEXT + _event("message_delta", delta={"stop_reason": "end_turn"}, usage=3))
    assert b"hi" in b"".join(event.data for event in events)
    with pytest.raises(UpstreamProtocolError):
        path.feed(_STOP)
