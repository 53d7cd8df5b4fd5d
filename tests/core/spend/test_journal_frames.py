"""Frames survive every cut and every flipped byte but the ones that hit them."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tianji_core.spend.journal_frames import (
    FRAME_HEADER_BYTES,
    LONGEST_PAYLOAD_BYTES,
    SEGMENT_HEADER_BYTES,
    VERSION,
    Frame,
    FrameEncoder,
    FrameReader,
    Gap,
    SegmentHeader,
    read_frames,
    read_segment_header,
    seal_of,
    segment_header,
)

FOLDER = "0198c0de-0000-7000-8000-000000000001"
SEAL = seal_of(FOLDER)


class Note(msgspec.Struct, frozen=True):
    """An entry whose text may look like anything, a frame of this or another folder too."""

    text: bytes


def frame_of(text: bytes, *, folder: str = FOLDER, kind: int = 4) -> bytes:
    return FrameEncoder(seal_of(folder)).encode(kind, Note(text))


def frames(parts: list[Frame | Gap]) -> list[Frame]:
    return [part for part in parts if isinstance(part, Frame)]


def gaps(parts: list[Frame | Gap]) -> list[Gap]:
    return [part for part in parts if isinstance(part, Gap)]


OTHERS_FRAME = frame_of(b"x", folder="another")
TEXTS = st.lists(
    st.binary(max_size=40) | st.just(b"\x04\x00\x00\x00" * 5) | st.just(OTHERS_FRAME) | st.just(b"\x04\x00\x00\x00\xff\xff\x0f\x00"),
    min_size=1,
    max_size=6,
)


@given(created=st.integers(0, 2**64 - 1), version=st.integers(0, 2**16 - 1))
def test_segment_header_reads_as_it_was_written(created: int, version: int) -> None:
    expected = SegmentHeader(version=version, created_at_ns=created)
    assert read_segment_header(segment_header(created, version)) == expected


@given(at=st.integers(0, SEGMENT_HEADER_BYTES - 1), flip=st.integers(1, 255), created=st.integers(0, 2**64 - 1))
def test_damaged_segment_header_is_never_taken_for_another_version(at: int, flip: int, created: int) -> None:
    data = bytearray(segment_header(created))
    data[at] ^= flip
    header = read_segment_header(bytes(data))
    assert header is None or header.version == VERSION


def test_cut_segment_header_is_none() -> None:
    assert read_segment_header(segment_header(1)[:-1]) is None


@given(TEXTS)
def test_frames_read_as_they_were_written(texts: list[bytes]) -> None:
    written = [frame_of(text) for text in texts]
    parts = read_frames(b"".join(written), SEAL)
    assert [msgspec.msgpack.decode(frame.payload, type=Note).text for frame in frames(parts)] == texts
    assert (gaps(parts), parts[0].start) == ([], SEGMENT_HEADER_BYTES)
    assert [frame.end - frame.start for frame in frames(parts)] == [len(data) for data in written]
    assert all(before.end == after.start for before, after in pairwise(frames(parts)))


@given(texts=TEXTS, noise=st.binary(max_size=30), cuts=st.lists(st.integers(0, 400), max_size=6), at=st.integers(0, 400))
def test_cutting_changes_nothing(texts: list[bytes], noise: bytes, cuts: list[int], at: int) -> None:
    data = b"".join(frame_of(text) for text in texts)
    data = data[:at] + noise + data[at:]
    reader, got = FrameReader(SEAL), list[Frame | Gap]()
    places = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(places):
        got += reader.feed(data[start:end])
    assert got + reader.close() == read_frames(data, SEAL)


@given(texts=TEXTS, cut=st.integers(0, 400))
def test_torn_end_costs_only_the_frame_that_it_tears(texts: list[bytes], cut: int) -> None:
    written = [frame_of(text) for text in texts]
    whole = read_frames(b"".join(written), SEAL)
    data = b"".join(written)[:cut]
    parts = read_frames(data, SEAL)
    assert frames(parts) == [frame for frame in frames(whole) if frame.end - SEGMENT_HEADER_BYTES <= len(data)]
    rest = len(data) - sum(frame.end - frame.start for frame in frames(parts))
    assert [(len(gap.data), gap.torn) for gap in gaps(parts)] == ([(rest, True)] if rest else [])


@given(texts=TEXTS, at=st.integers(0, 10_000), flip=st.integers(1, 255))
@example(texts=[b"a", b"b", b"c"], at=4, flip=0xFF)
@example(texts=[b"a", b"b", b"c"], at=6, flip=0x0F)
def test_flipped_byte_costs_only_the_frame_that_it_hits(texts: list[bytes], at: int, flip: int) -> None:
    data = bytearray(b"".join(frame_of(text) for text in texts))
    at %= len(data)
    whole = frames(read_frames(bytes(data), SEAL))
    data[at] ^= flip
    parts = read_frames(bytes(data), SEAL)
    place = at + SEGMENT_HEADER_BYTES
    assert frames(parts) == [frame for frame in whole if not frame.start <= place < frame.end]
    assert [gap.start <= place < gap.start + len(gap.data) for gap in gaps(parts)] == [True]
    is_last = place >= whole[-1].start
    assert [gap.torn for gap in gaps(parts)] == [is_last]


@given(texts=TEXTS, at=st.integers(0, 10_000), noise=st.binary(min_size=1, max_size=60))
def test_foreign_bytes_cost_no_frame_that_they_do_not_split(texts: list[bytes], at: int, noise: bytes) -> None:
    written = [frame_of(text) for text in texts]
    at %= len(written) + 1
    data = b"".join(written[:at]) + noise + b"".join(written[at:])
    parts = read_frames(data, SEAL)
    assert [frame.payload for frame in frames(parts)] == [frame[FRAME_HEADER_BYTES:] for frame in written]
    assert b"".join(gap.data for gap in gaps(parts)) == noise


def test_frame_inside_a_text_is_not_read_when_the_frame_around_it_is_damaged() -> None:
    """A caller can write what it likes into its metadata, but it does not know the folder's name."""
    data = bytearray(frame_of(OTHERS_FRAME) + frame_of(b"after"))
    data[1] ^= 1
    assert [frame.payload[-5:] for frame in frames(read_frames(bytes(data), SEAL))] == [b"after"]


def test_segment_of_another_folder_holds_no_frames() -> None:
    assert frames(read_frames(OTHERS_FRAME, SEAL)) == []


def test_zeros_of_a_lost_power_are_one_torn_end() -> None:
    parts = read_frames(frame_of(b"a") + bytes(1 << 20), SEAL)
    assert [len(frames(parts)), *((len(gap.data), gap.torn) for gap in gaps(parts))] == [1, (1 << 20, True)]


def test_entry_longer_than_a_frame_is_refused_and_the_next_one_is_not() -> None:
    encoder = FrameEncoder(SEAL)
    with pytest.raises(ValueError, match="longer than"):
        encoder.encode(4, Note(bytes(LONGEST_PAYLOAD_BYTES)))
    assert encoder.encode(4, Note(b"a")) == frame_of(b"a")


def test_longest_entry_is_read() -> None:
    text = bytes(LONGEST_PAYLOAD_BYTES - 20)
    assert [len(frame.payload) for frame in frames(read_frames(frame_of(text), SEAL))] == [len(frame_of(text)) - FRAME_HEADER_BYTES]


def test_reader_says_where_it_is() -> None:
    reader = FrameReader(SEAL)
    reader.feed(frame_of(b"a")[:-1])
    assert reader.position == SEGMENT_HEADER_BYTES + len(frame_of(b"a")) - 1


def test_reader_goes_on_after_an_end() -> None:
    reader = FrameReader(SEAL)
    assert [gap.torn for gap in gaps([*reader.feed(b"x" * 30), *reader.close()])] == [True]
    assert [frame.start for frame in frames(reader.feed(frame_of(b"a")))] == [SEGMENT_HEADER_BYTES + 30]
