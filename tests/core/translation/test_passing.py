"""Handing a stream on, and to the canonical path where the narrow reading ends."""

from collections.abc import Callable

import msgspec
import pytest

from tianji_core.errors import TianjiError, UpstreamProtocolError
from tianji_core.translation.passing import Batch, PassingStream, is_given, with_fields, with_model
from tianji_core.translation.path import RelayEvent


class _Reader:
    """Understands everything but `odd`; ends with `end`."""

    def __init__(self) -> None:
        self.done = b""

    @property
    def is_done(self) -> bool:
        return bool(self.done)

    def take(self, event: bytes, data: bytes, batch: Batch) -> bool:
        if data == b"odd":
            return False
        if data == b"end":
            self.done = event
            return True
        batch.has_reading = True
        batch.text.append(data.decode())
        batch.pieces.append(event)
        return True

    def close(self) -> bytes:
        return self.done


class _Canonical:
    def __init__(self, on_feed: Callable[[bytes], bytes]) -> None:
        self.on_feed = on_feed

    def feed(self, data: bytes) -> list[RelayEvent]:
        return [RelayEvent(data=self.on_feed(data))]

    def close(self) -> list[RelayEvent]:
        return [RelayEvent(data=b"canonical end")]

    def error(self, error: TianjiError, request_id: str) -> bytes:
        return b"error"

    def keep_alive(self) -> bytes:
        return b": ping\n\n"


def _path(on_feed: Callable[[bytes], bytes] = lambda data: b"<" + data + b">") -> PassingStream:
    return PassingStream(_Reader(), _Canonical(on_feed))


def _raise(_: bytes) -> bytes:
    raise UpstreamProtocolError("odd")


def test_bytes_leave_as_they_came_and_the_terminator_waits() -> None:
    path = _path()
    events = path.feed(b"data: a\n\n: comment\n\ndata: b\n\ndata: end\n\n")
    assert [event.data for event in events] == [b"data: a\n\n: comment\n\ndata: b\n\n"]
    assert events[0].reading is not None
    assert events[0].reading.text == "ab"
    assert [event.data for event in path.close()] == [b"data: end\n\n"]


def test_nothing_follows_the_terminator() -> None:
    path = _path()
    path.feed(b"data: end\n\n")
    assert path.feed(b"data: more\n\n") == []


def test_a_comment_alone_is_handed_on_and_commits_nothing() -> None:
    events = _path().feed(b": still there\n\n")
    assert [(event.data, event.content, event.reading) for event in events] == [(b": still there\n\n", False, None)]


def test_the_rest_of_a_stream_is_handed_over_with_its_unfinished_bytes() -> None:
    path = _path()
    events = path.feed(b"data: a\n\ndata: odd\n\ndata: b\n\ndata: c")
    assert [event.data for event in events] == [b"data: a\n\n", b"<data: odd\n\ndata: b\n\ndata: c>"]
    assert [event.data for event in path.feed(b"\n\n")] == [b"<\n\n>"]
    assert [event.data for event in path.close()] == [b"canonical end"]


def test_an_error_leaves_after_what_came_before_it() -> None:
    path = _path(_raise)
    assert [event.data for event in path.feed(b"data: a\n\ndata: odd\n\n")] == [b"data: a\n\n"]
    with pytest.raises(UpstreamProtocolError):
        path.feed(b"data: b\n\n")
    with pytest.raises(UpstreamProtocolError):
        path.close()


def test_an_error_with_nothing_before_it_is_raised_at_once() -> None:
    with pytest.raises(UpstreamProtocolError):
        _path(_raise).feed(b"data: odd\n\n")


def test_errors_and_keep_alives_are_the_surfaces() -> None:
    assert _path().error(UpstreamProtocolError("x"), "r") == b"error"
    assert _path().keep_alive() == b": ping\n\n"


def test_the_model_is_replaced_where_it_stands_once() -> None:
    assert with_model(b'{"id":1,"model":"up","x":"\\"model\\":\\"up\\""}', "up", "g") == b'{"id":1,"model":"g","x":"\\"model\\":\\"up\\""}'
    assert with_model(b'{"model": "up"}', "up", "g\u00fc") == '{"model":"g\u00fc"}'.encode()
    assert with_model(b'{"model":"up"}', "up", "up") == b'{"model":"up"}'


def test_a_model_that_cannot_be_told_apart_is_not_replaced() -> None:
    with pytest.raises(ValueError, match="more than once"):
        with_model(b'{"model":"up","inner":{"model":"up"}}', "up", "g")


def test_fields_are_replaced_and_the_others_keep_their_bytes() -> None:
    data = b'{"a":1.50,"b":{"c" : 1e3},"usage":{"x":1}}'
    assert with_fields(data, {"a": 2}, without=("usage",)) == b'{"a":2,"b":{"c" : 1e3}}'


def test_null_and_absent_are_not_given() -> None:
    assert not is_given(msgspec.Raw())
    assert not is_given(msgspec.Raw(b"null"))
    assert is_given(msgspec.Raw(b"{}"))
