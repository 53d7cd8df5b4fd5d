from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import UpstreamProtocolError
from tianji_core.wire.raw_events import RawEvents, data_of
from tianji_core.wire.sse import SseDecoder

lines = st.sampled_from([b"data: {}", b"data:x", b"data: a b", b"event: e", b": comment", b"id: 1", b"", b"retry: 3", b"nonsense"])
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
streams = st.lists(st.tuples(lines, ends), max_size=30).map(lambda parts: b"".join(line + end for line, end in parts))


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    stream = draw(streams)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    return stream, [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]


@given(cut_streams())
def test_pieces_joined_are_the_bytes_that_were_fed(case: tuple[bytes, list[bytes]]) -> None:
    stream, pieces = case
    events = RawEvents()
    taken = [event for piece in pieces for event in events.feed(piece)]
    assert b"".join(taken) + events.held == stream


@given(cut_streams())
def test_data_is_what_the_decoder_of_events_reads(case: tuple[bytes, list[bytes]]) -> None:
    stream, pieces = case
    events, decoder = RawEvents(), SseDecoder()
    taken = [event for piece in pieces for event in events.feed(piece)]
    read = [data.strip() for event in taken if (data := data_of(event)) is not None]
    assert read == [event.data.strip() for event in decoder.feed(stream)]


def test_an_event_leaves_with_its_last_byte() -> None:
    events = RawEvents()
    assert events.feed(b"data: 1\n") == []
    assert events.feed(b"\n") == [b"data: 1\n\n"]


def test_an_endless_event_is_refused() -> None:
    events = RawEvents(max_event_bytes=10)
    with pytest.raises(UpstreamProtocolError):
        events.feed(b"data: 12345678")


def test_an_event_without_data_has_none() -> None:
    assert data_of(b": still there\n\n") is None
    assert data_of(b"event: ping\n\n") is None


def test_a_word_that_ends_in_data_is_no_data_line() -> None:
    assert data_of(b"metadata: x\n\n") is None
