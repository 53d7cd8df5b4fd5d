"""The event stream framer, against the standard's own examples and against every cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import UpstreamProtocolError
from tianji_core.wire.sse import SseDecoder, SseEvent, encode_event

_LINES = st.sampled_from(["data: a", "data:b", "data", "event: x", "id: 1", ": comment", "retry: 5", "unknown: y", "", "", "data: é"])
_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
_STREAMS = st.lists(st.tuples(_LINES, _ENDS), max_size=30).map(lambda pairs: "".join(line + end for line, end in pairs).encode())


def _all(data: bytes) -> list[SseEvent]:
    return SseDecoder().feed(data)


def test_data_lines_are_joined_and_one_space_is_dropped() -> None:
    assert _all(b"data: YHOO\ndata:+2\ndata:  10\n\n") == [SseEvent("message", b"YHOO\n+2\n 10")]


def test_comments_and_unknown_fields_say_nothing_and_a_name_without_data_is_no_event() -> None:
    assert _all(b": hello\n\nevent: x\n\nfoo: bar\ndata: a\nid: 3\n\n") == [SseEvent("message", b"a")]


def test_event_leaves_with_its_last_byte() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"event: ping\ndata: {}\n") == []
    assert decoder.feed(b"\n") == [SseEvent("ping", b"{}")]


def test_unfinished_event_at_the_end_is_no_event_and_is_known_to_be_pending() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n\ndata: b\n") == [SseEvent("message", b"a")]
    assert decoder.pending()


def test_byte_order_mark_is_dropped_at_the_start_only() -> None:
    assert _all(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n") == [SseEvent("message", b"a")]


def test_carriage_return_and_line_feed_in_two_pieces_are_one_line_end() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r") == []
    assert decoder.feed(b"\n\r") == [SseEvent("message", b"a")]
    assert decoder.feed(b"\ndata: b\r\n\r\n") == [SseEvent("message", b"b")]


@given(_STREAMS)
def test_one_byte_at_a_time_gives_the_same_events(stream: bytes) -> None:
    decoder = SseDecoder()
    assert [event for position in range(len(stream)) for event in decoder.feed(stream[position : position + 1])] == _all(stream)


@given(_STREAMS, st.integers(min_value=0, max_value=400))
def test_any_two_pieces_give_the_same_events(stream: bytes, cut: int) -> None:
    decoder = SseDecoder()
    assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == _all(stream)


@given(st.lists(st.tuples(st.text("abc{}", min_size=1), st.sampled_from([None, "delta"])), max_size=8))
def test_encoded_events_decode_to_themselves(events: list[tuple[str, str | None]]) -> None:
    stream = b"".join(encode_event(data.encode(), name) for data, name in events)
    assert _all(stream) == [SseEvent(name or "message", data.encode()) for data, name in events]


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 70 + b"\n\n", b"data: xxxxxxxxxx\n" * 9, b"x" * 70])
def test_event_larger_than_the_bound_is_refused_however_it_arrives(piece: bytes) -> None:
    decoder = SseDecoder(max_event_bytes=64)
    with pytest.raises(UpstreamProtocolError, match="larger than 64 bytes"):
        for position in range(len(piece)):
            decoder.feed(piece[position : position + 1])


def test_many_small_events_and_comments_never_reach_the_bound() -> None:
    decoder = SseDecoder(max_event_bytes=64)
    assert len(decoder.feed(b": keep-alive\n\ndata: 0123456789\n\n" * 1000)) == 1000
