"""Decompression in pieces: any cutting gives the whole, and no step yields much."""

import gzip
import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_adapters.http_client.coding import PIECE_BYTES, ContentDecoder, decoder_for

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
}


def made(coding: str) -> ContentDecoder:
    decoder = decoder_for(coding)
    assert decoder is not None
    return decoder


@given(data=st.binary(max_size=5000), coding=st.sampled_from(sorted(PACKERS)), cuts=st.lists(st.integers(0, 6000), max_size=8))
def test_any_cutting_gives_the_whole(data: bytes, coding: str, cuts: list[int]) -> None:
    packed = PACKERS[coding](data)
    edges = [0, *sorted(cut for cut in cuts if cut < len(packed)), len(packed)]
    decoder = made(coding)
    out = b"".join(piece for start, end in pairwise(edges) for piece in decoder.feed(packed[start:end]))
    decoder.close()
    assert out == data


def test_no_step_yields_more_than_a_piece() -> None:
    bomb = gzip.compress(bytes(10 * PIECE_BYTES))
    pieces = list(made("gzip").feed(bomb))
    assert max(len(piece) for piece in pieces) <= PIECE_BYTES
    assert sum(len(piece) for piece in pieces) == 10 * PIECE_BYTES


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_not_in_the_coding_is_refused(coding: str) -> None:
    with pytest.raises(ValueError, match="coding"):
        list(made(coding).feed(b"\xff\xffplain words"))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_missing_end_is_refused_and_an_empty_body_is_not(coding: str) -> None:
    made(coding).close()
    cut = made(coding)
    list(cut.feed(PACKERS[coding](b"words" * 100)[:-5]))
    with pytest.raises(ValueError, match="cut short"):
        cut.close()


def test_unknown_coding_has_no_decoder_and_none_is_identity() -> None:
    assert decoder_for("br") is None
    assert decoder_for("gzip, gzip") is None
    nothing = decoder_for(None)
    assert nothing is not None
    assert list(nothing.feed(b"as it is")) == [b"as it is"]
