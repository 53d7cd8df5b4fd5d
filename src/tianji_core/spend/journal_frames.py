"""The bytes of the spend journal: segments of frames, read so that damage costs nothing but the frames that it hits.

    segment   `TJJ1`, u16 version, u16 check (CRC-32 of the other fields, its low half), u64 created ns; then frames
    frame     u8 kind, u8 flags, u16 0, u32 length of the payload, u32 CRC-32 of those eight bytes and the payload; then the payload

Little-endian. A CRC begins from the folder's seal, so that no text of a caller inside a payload can pass for a frame after damage.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

VERSION = 1
SEGMENT_HEADER_BYTES = 16
FRAME_HEADER_BYTES = 12
LONGEST_PAYLOAD_BYTES = 1 << 20

_MAGIC = b"TJJ1"
_HEADER = struct.Struct("<4sHHQ")
# The first eight bytes of a frame are one number: the kind, three bytes of 0, the length.
_HEAD = struct.Struct("<Q")
_HEAD_AND_CRC = struct.Struct("<QI")
_CRC = struct.Struct("<I")
# What the first eight bytes of a frame can look like: a kind, no flags, a length that is allowed.
_CANDIDATE = re.compile(rb"(?=[\x01-\x3f]\x00\x00\x00..[\x00-\x10]\x00)", re.DOTALL)


class SegmentHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The first bytes of a segment."""

    version: int
    created_at_ns: int


class Frame(msgspec.Struct, frozen=True):
    """A whole frame and where it lies in its segment; `end` is the offset after it."""

    kind: int
    payload: bytes
    start: int
    end: int


class Gap(msgspec.Struct, frozen=True):
    """Bytes that are no frame. A torn one has nothing valid after it: the writer died in the middle of it."""

    start: int
    data: bytes
    torn: bool


def seal_of(folder: str) -> int:
    """Return where the CRCs of a folder's frames begin; the folder's name is random, and no caller knows it."""
    return zlib.crc32(folder.encode())


def segment_header(created_at_ns: int, version: int = VERSION) -> bytes:
    """Return the first bytes of a segment."""
    return _HEADER.pack(_MAGIC, version, _check(version, created_at_ns), created_at_ns)


def read_segment_header(data: bytes) -> SegmentHeader | None:
    """Return what a segment's first bytes say; None where they are damaged or cut: its frames are read all the same."""
    if len(data) < SEGMENT_HEADER_BYTES:
        return None
    magic, version, check, created_at_ns = _HEADER.unpack_from(data)
    if magic != _MAGIC or check != _check(version, created_at_ns):
        return None
    return SegmentHeader(version=version, created_at_ns=created_at_ns)


def _check(version: int, created_at_ns: int) -> int:
    return zlib.crc32(_HEADER.pack(_MAGIC, version, 0, created_at_ns)) & 0xFFFF


@dataclass(slots=True)
class FrameEncoder:
    """Makes the frames of one folder."""

    seal: int
    _encode: Callable[[msgspec.Struct], bytes] = field(default_factory=lambda: msgspec.msgpack.Encoder().encode)

    def encode(self, kind: int, entry: msgspec.Struct) -> bytes:
        """Return the frame of an entry.

        Raises:
            ValueError, TypeError, OverflowError, RecursionError: the entry holds a value that MessagePack cannot carry.
            ValueError: it is longer than `LONGEST_PAYLOAD_BYTES`.
        """
        payload = self._encode(entry)
        length = len(payload)
        if length > LONGEST_PAYLOAD_BYTES:
            raise ValueError(f"an entry of {length} bytes is longer than {LONGEST_PAYLOAD_BYTES}")
        head = length << 32 | kind
        return _HEAD_AND_CRC.pack(head, zlib.crc32(payload, zlib.crc32(_HEAD.pack(head), self.seal))) + payload


@dataclass(slots=True)
class FrameReader:
    """Reads frames from pieces of a segment; whatever the cutting, the outcome is the same.

    Args:
        offset: Where in its segment the first byte lies.
    """

    seal: int
    offset: int = SEGMENT_HEADER_BYTES
    _data: bytearray = field(default_factory=bytearray)
    # Bytes at the front that are known to be no frame.
    _scanned: int = 0

    @property
    def position(self) -> int:
        """Where in the segment the next byte is to come from."""
        return self.offset + len(self._data)

    def feed(self, data: bytes) -> list[Frame | Gap]:
        """Return what is certain by now: the frames that are whole, and the gaps that a valid frame ends."""
        self._data += data
        return self._read(is_end=False)

    def close(self) -> list[Frame | Gap]:
        """Return what is left at the end of the segment; its last part may be a torn gap."""
        found = self._read(is_end=True)
        if self._data:
            found.append(Gap(self.offset, bytes(self._data), torn=True))
            self._drop(len(self._data))
            self._scanned = 0
        return found

    def _read(self, *, is_end: bool) -> list[Frame | Gap]:
        found: list[Frame | Gap] = []
        told, at = 0, self._scanned
        while at < len(self._data):
            end = self._frame_end(at)
            if end is None and not is_end:
                break
            if not end:
                at = self._next_candidate(at + 1)
                continue
            if at > told:
                found.append(Gap(self.offset + told, bytes(self._data[told:at]), torn=False))
            payload = bytes(memoryview(self._data)[at + FRAME_HEADER_BYTES : end])
            found.append(Frame(self._data[at], payload, self.offset + at, self.offset + end))
            told = at = end
        self._scanned = at - told
        self._drop(told)
        return found

    def _next_candidate(self, start: int) -> int:
        """Return where a frame could begin next; the last seven bytes are too few to tell."""
        match = _CANDIDATE.search(self._data, start)
        return match.start() if match else max(start, len(self._data) - _HEAD.size + 1)

    def _frame_end(self, start: int) -> int | None:
        """Return where the frame at `start` ends; 0 where there is none, None where more bytes would be needed to know."""
        data = self._data
        if len(data) - start < _HEAD.size:
            return None
        if not _CANDIDATE.match(data, start):
            return 0
        end = start + FRAME_HEADER_BYTES + int.from_bytes(data[start + 4 : start + 8], "little")
        if end - start > FRAME_HEADER_BYTES + LONGEST_PAYLOAD_BYTES:
            return 0
        if end > len(data):
            return None
        with memoryview(data) as view:
            crc = zlib.crc32(view[start + FRAME_HEADER_BYTES : end], zlib.crc32(view[start : start + 8], self.seal))
        return end if _CRC.unpack_from(data, start + 8)[0] == crc else 0

    def _drop(self, count: int) -> None:
        if count:
            del self._data[:count]
            self.offset += count


def read_frames(data: bytes, seal: int, *, offset: int = SEGMENT_HEADER_BYTES) -> list[Frame | Gap]:
    """Return everything in a piece of a segment that ends where the segment ends."""
    reader = FrameReader(seal, offset)
    return [*reader.feed(data), *reader.close()]
