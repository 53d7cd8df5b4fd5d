"""Which answers pass, and what is changed in them."""

import json
from typing import Any

import pytest

from support.chat import FACTS
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks, Server
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.passing import passing
from tianji_core.dialects.openai_chat.surface import OpenAIChatSurface
from tianji_core.errors import TianjiError, UpstreamProtocolError
from tianji_core.translation.path import CanonicalStream, StreamPath

_CODEC = OpenAIChat(server=Server(provider="acme", base_url=None))
_ANSWER: dict[str, Any] = {
    "id": "c",
    "created": 1,
    "model": "up",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}


def _memo(**quirks: Any) -> ProviderMemo:
    return ProviderMemo(facts=FACTS, provider="acme", model="up", quirks=Quirks(**quirks))


def _stream(*, include_usage: bool = False, **quirks: Any) -> StreamPath:
    memo, shown = _memo(**quirks), SurfaceMemo(model="asked", include_usage=include_usage)
    encoder: Any = OpenAIChatSurface().stream(shown)
    found = passing(memo, shown)
    assert found is not None
    return found.stream(CanonicalStream(_CODEC.stream(memo), encoder))


def _event(**chunk: object) -> bytes:
    return b"data: " + json.dumps({"id": "c", "created": 1, "model": "up", **chunk}, separators=(",", ":")).encode() + b"\n\n"


def _text(text: str, **more: object) -> bytes:
    return _event(choices=[{"index": 0, "delta": {"content": text}, **more}])


_CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
_USAGE = {"prompt_tokens": 3, "completion_tokens": 1}


def _shown(path: StreamPath, *pieces: bytes) -> bytes:
    return b"".join(event.data for piece in pieces for event in path.feed(piece))


@pytest.mark.parametrize("quirks", [{"reasoning_outside": True}, {"reasoning_field": "reasoning"}], ids=lambda quirks: next(iter(quirks)))
def test_nothing_passes_where_the_server_writes_choices_in_its_own_way(quirks: dict[str, Any]) -> None:
    assert passing(_memo(**quirks), SurfaceMemo(model="asked")) is None


def test_nothing_passes_where_names_were_changed_or_functions_are_spoken() -> None:
    renamed = ProviderMemo(facts=FACTS, provider="acme", model="up", quirks=Quirks(), names={"a": "b"})
    assert passing(renamed, SurfaceMemo(model="asked")) is None
    assert passing(_memo(), SurfaceMemo(model="asked", legacy_functions=True)) is None


def test_a_chunk_keeps_its_bytes_but_for_the_model() -> None:
    assert _shown(_stream(), _text("hi")) == _text("hi").replace(b'"up"', b'"asked"')


def test_role_alone_commits_nothing_and_text_does() -> None:
    path = _stream()
    assert [event.content for event in path.feed(_event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}]))] == [False]
    assert [event.content for event in path.feed(_text("hi"))] == [True]


def test_usage_that_was_not_asked_for_is_read_and_not_shown() -> None:
    path = _stream()
    events = path.feed(_event(choices=[], usage=_USAGE))
    assert [event.data for event in events] == [b""]
    assert events[0].reading is not None
    assert events[0].reading.usage is not None
    assert events[0].reading.usage.input_text == 3


def test_usage_beside_a_choice_is_cut_out() -> None:
    shown = _shown(_stream(), _event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=_USAGE))
    value = json.loads(shown[5:])
    assert "usage" not in value
    assert value["model"] == "asked"


def test_usage_that_was_asked_for_is_shown_as_it_came() -> None:
    event = _event(choices=[], usage=_USAGE)
    assert _shown(_stream(include_usage=True), event) == event.replace(b'"up"', b'"asked"')


def test_the_terminator_waits_for_the_close_and_is_added_where_it_is_missing() -> None:
    ended = _stream()
    assert _shown(ended, _text("", finish_reason="stop"), b"data: [DONE]\r\n\r\n").endswith(b"\n\n")
    assert [event.data for event in ended.close()] == [b"data: [DONE]\r\n\r\n"]
    without = _stream()
    without.feed(_text("", finish_reason="stop"))
    assert [event.data for event in without.close()] == [b"data: [DONE]\n\n"]


def test_a_cut_stream_is_an_error() -> None:
    path = _stream()
    path.feed(_text("hi"))
    with pytest.raises(UpstreamProtocolError):
        path.close()


def test_an_error_event_is_the_canonical_paths() -> None:
    path = _stream()
    path.feed(_text("hi"))
    with pytest.raises(TianjiError, match="busy"):
        path.feed(b'data: {"error":{"message":"busy","type":"server_error"}}\n\n')


def test_a_call_without_an_id_gets_one_from_the_canonical_path() -> None:
    path = _stream()
    call = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    shown = _shown(path, _text("hi"), _event(choices=[{"index": 0, "delta": {"tool_calls": [call]}}]))
    made = json.loads(shown.split(b"\n\n")[1][5:])["choices"][0]["delta"]["tool_calls"][0]
    assert made["id"].startswith("call_")


def test_a_finish_word_of_its_own_is_translated() -> None:
    shown = _shown(_stream(), _text("hi"), _text("", finish_reason="eos"))
    assert json.loads(shown.split(b"\n\n")[1][5:])["choices"][0]["finish_reason"] == "stop"


def test_calls_are_read_and_pass() -> None:
    path = _stream()
    pieces = [
        _event(choices=[{"index": 0, "delta": {"tool_calls": [_CALL]}}]),
        _event(choices=[{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}}]),
        _event(choices=[{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]),
    ]
    events = [event for piece in pieces for event in path.feed(piece)]
    assert b"".join(event.data for event in events) == b"".join(pieces).replace(b'"up"', b'"asked"')
    assert "".join(event.reading.text for event in events if event.reading) == "f{}"


def test_a_whole_answer_keeps_its_bytes_but_for_the_model() -> None:
    found = passing(_memo(), SurfaceMemo(model="asked"))
    assert found is not None
    body = json.dumps(_ANSWER).encode()
    event = found.whole(HttpResponse(status=200, body=body))
    assert event is not None
    assert event.data == body.replace(b'"model": "up"', b'"model":"asked"')
    assert event.reading is not None
    assert event.reading.usage is not None
    assert event.reading.usage.output_total == 2
    assert event.reading.finish_reasons == ("stop",)


@pytest.mark.parametrize(
    "changes",
    [
        {"usage": None},
        {"id": ""},
        {"choices": []},
        {"error": {"message": "no"}},
        {"choices": [{"message": {"content": ["part"]}, "finish_reason": "stop"}]},
        {"choices": [{"message": {"content": "hi"}, "finish_reason": None}]},
        {"choices": [{"message": {"content": None, "tool_calls": [{"function": {"name": "f"}}]}, "finish_reason": "tool_calls"}]},
        {"choices": [{"message": {"content": None, "tool_calls": [_CALL]}, "finish_reason": "stop"}]},
        {"model": "up", "inner": {"model": "up"}},
    ],
)
def test_an_answer_that_the_canonical_path_would_change_does_not_pass(changes: dict[str, Any]) -> None:
    found = passing(_memo(), SurfaceMemo(model="asked"))
    assert found is not None
    assert found.whole(HttpResponse(status=200, body=json.dumps({**_ANSWER, **changes}).encode())) is None


def test_text_that_begins_with_a_tag_is_the_canonical_paths_where_models_print_their_thinking() -> None:
    path = _stream(think_tags=True)
    shown = _shown(path, _text("<thi"), _text("nk>because</think>so"), _text("", finish_reason="stop"))
    deltas = [json.loads(line[5:])["choices"][0]["delta"] for line in shown.split(b"\n\n") if line]
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "because"
    assert "".join(delta.get("content") or "" for delta in deltas) == "so"


def test_other_text_of_such_models_keeps_its_bytes() -> None:
    pieces = [_text("a"), _text("<think>"), _text("b")]
    assert _shown(_stream(think_tags=True), *pieces) == b"".join(pieces).replace(b'"up"', b'"asked"')


def test_a_whole_answer_that_begins_with_a_tag_does_not_pass() -> None:
    found = passing(_memo(think_tags=True), SurfaceMemo(model="asked"))
    assert found is not None
    choice = {"message": {"content": " <think>x</think>y"}, "finish_reason": "stop"}
    assert found.whole(HttpResponse(status=200, body=json.dumps({**_ANSWER, "choices": [choice]}).encode())) is None
    assert found.whole(HttpResponse(status=200, body=json.dumps(_ANSWER).encode())) is not None
