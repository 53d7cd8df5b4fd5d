"""Content codings that nobody asked for: we send `accept-encoding: identity`, some servers compress all the same (RFC 9110 §8.4)."""

import zlib
from collections.abc import Iterator
from typing import Protocol

from tianji_core.calls.http import Headers, header

PIECE_BYTES = 256 * 1024
"""The most that one step of decompression yields, so that a small piece cannot become a huge one in memory."""


class ContentDecoder(Protocol):
    """Undoes one coding, piece by piece. Both methods raise ValueError for what is not in the coding."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class Identity:
    """No coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def close(self) -> None:
        """Nothing can be missing."""


class Zlib:
    """`gzip`, or `deflate` with and without the zlib header (servers do both)."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._machine: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield pieces of at most `PIECE_BYTES`."""
        try:
            while data:
                if self._machine is None:
                    self._machine = zlib.decompressobj(wbits=self._window_of(data))
                yield self._machine.decompress(data, PIECE_BYTES)
                data = self._machine.unconsumed_tail
                if self._machine.eof:
                    data = self._next_member()
        except zlib.error as error:
            raise ValueError("not in the coding that it claims") from error

    def _window_of(self, data: bytes) -> int:
        """Return zlib's word for the framing; 8 in the low bits of the first byte is a zlib header (RFC 1950 §2.2)."""
        return 31 if self._gzip else 15 if data[0] & 0x0F == 8 else -15

    def _next_member(self) -> bytes:
        """Begin another gzip member where one follows (RFC 1952 §2.2); return what is left to decode."""
        assert self._machine is not None
        rest = self._machine.unused_data
        if not self._gzip or not rest:
            return b""
        self._machine = zlib.decompressobj(wbits=31)
        return rest

    def close(self) -> None:
        """Raise ValueError when the end is missing; a body without any byte, as of a 204, is whole."""
        if self._machine is not None and not self._machine.eof:
            raise ValueError("the compressed body is cut short")


def decoder_for(content_encoding: str | None) -> ContentDecoder | None:
    """Return the decoder of a `content-encoding`, or None for one that we do not know."""
    match (content_encoding or "identity").strip().lower():
        case "identity" | "":
            return Identity()
        case "gzip" | "x-gzip":
            return Zlib(gzip=True)
        case "deflate":
            return Zlib(gzip=False)
        case _:
            return None


def decoding(headers: Headers) -> tuple[Headers, ContentDecoder | None]:
    """Return the headers as they fit the decoded body, and its decoder, or None for a coding that we do not know."""
    coding = header(headers, "content-encoding")
    if coding is None:
        return headers, Identity()
    return tuple(pair for pair in headers if pair[0] not in ("content-encoding", "content-length")), decoder_for(coding)
