"""The segment files of one journal folder: appended to, rotated, deleted from the oldest on, and read again."""

import errno
import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tianji_adapters.system.journal_disk import Disk
from tianji_adapters.system.journal_sync import GroupSync
from tianji_core.ports.clock import Clock
from tianji_core.spend.journal_entries import Settled
from tianji_core.spend.journal_frames import SEGMENT_HEADER_BYTES, Frame, FrameReader, Gap, read_segment_header, segment_header
from tianji_core.spend.replay import Position, settlements

_CHUNK_BYTES = 1 << 18


@dataclass(slots=True, eq=False)
class Segment:
    """One file.

    Attributes:
        last: Where its last frame begins.
        unflushed: How many settlements in it the ledger lacks.
        running: How many calls that were opened in it have not ended.
    """

    number: int
    path: Path
    descriptor: int
    created_at_ns: int
    size: int = SEGMENT_HEADER_BYTES
    last: int = SEGMENT_HEADER_BYTES
    unflushed: int = 0
    running: int = 0


@dataclass(slots=True)
class SegmentWriter:
    """Appends frames. A write that fails leaves nothing behind that could be taken for a frame."""

    folder: Path
    disk: Disk
    sync: GroupSync
    clock: Clock
    segment_bytes: int
    total_bytes: int = 0
    _segments: deque[Segment] = field(default_factory=deque)

    @property
    def current(self) -> Segment:
        """The segment that is written to."""
        return self._segments[-1]

    def begin(self) -> None:
        """Make the next segment and write to it from here on. Raises OSError: then the one before is written to."""
        number = self._segments[-1].number + 1 if self._segments else 1
        path, now = segment_path(self.folder, number), self.clock.now_ns()
        path.unlink(missing_ok=True)  # of a beginning that failed
        descriptor = self.disk.create(path)
        header = segment_header(now)
        try:
            written = self.disk.write(descriptor, header, 0)
            if written != len(header):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            self.disk.close(descriptor)
            raise
        if self._segments:
            self.sync.retire(self._segments[-1].descriptor)
        self._segments.append(Segment(number, path, descriptor, now))
        self.total_bytes += len(header)
        self.sync.dirty = descriptor
        self.sync.made(self.folder)

    def append(self, frame: bytes) -> Segment:
        """Write a frame and return its segment, whose `size` is where the frame ends. Raises OSError."""
        segment = self._segments[-1]
        size = len(frame)
        if segment.size + size > self.segment_bytes and segment.size > SEGMENT_HEADER_BYTES:
            self.begin()
            segment = self._segments[-1]
        try:
            written = self.disk.write(segment.descriptor, frame, segment.size)
        except OSError:
            self._cut(segment)
            raise
        if written != size:
            self._cut(segment)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        segment.last = segment.size
        segment.size += size
        self.total_bytes += size
        self.sync.dirty = segment.descriptor
        return segment

    def probe(self) -> None:
        """Write a byte where the next frame goes, and take it back. Raises OSError."""
        segment = self.current
        if self.disk.write(segment.descriptor, b"\0", segment.size) != 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.disk.truncate(segment.descriptor, segment.size)

    def rotate_if_older(self, seconds: float) -> None:
        """Begin the next segment where this one is old and has something in it. Raises OSError."""
        age_ns = self.clock.now_ns() - self.current.created_at_ns
        if self.current.size > SEGMENT_HEADER_BYTES and age_ns > seconds * 1e9:
            self.begin()

    def delete_done(self) -> None:
        """Delete from the oldest on what nobody needs: in order, so that no call is left without its end. Raises OSError."""
        while len(self._segments) > 1 and not self._segments[0].unflushed and not self._segments[0].running:
            done = self._segments[0]
            done.path.unlink(missing_ok=True)
            self._segments.popleft()
            self.total_bytes -= done.size

    @property
    def is_done(self) -> bool:
        """Whether nobody needs anything of what was written."""
        return not any(segment.unflushed or segment.running for segment in self._segments)

    def numbered(self, number: int) -> Segment:
        """Return the segment of a number; it must not be deleted yet."""
        return self._segments[number - self._segments[0].number]

    def end(self) -> Position:
        """Return where the next frame would begin."""
        return Position(self.current.number, self.current.size)

    def _cut(self, segment: Segment) -> None:
        """Take away what a failed write left; where that fails too the next frame is written over it, and its CRC does not hold."""
        with suppress(OSError):
            self.disk.truncate(segment.descriptor, segment.size)


@dataclass(slots=True)
class SettlementReader:
    """Reads settlements back, in pieces, from a place on."""

    folder: Path
    disk: Disk
    seal: int
    after: Position
    _reader: FrameReader | None = None
    _segment: int = 0

    def read(self, until: Position) -> list[tuple[Settled, Position]]:
        """Return the next settlements that end before or at a place, at least one; none where there are no more. Raises OSError."""
        while True:
            reader = self._reader or self._begin(max(self.after.segment, 1))
            data = self._next_bytes(reader, until)
            found = list(settlements(self._segment, frames_of(reader.feed(data) if data else reader.close()), self.after))
            is_last = self._segment >= until.segment
            if not data and not is_last:
                self._begin(self._segment + 1)
            if found or (is_last and not data):
                return found

    def _begin(self, segment: int) -> FrameReader:
        self._segment = segment
        if segment == self.after.segment:
            offset = self.after.offset
        else:
            offset = SEGMENT_HEADER_BYTES if read_segment_header(self._bytes(SEGMENT_HEADER_BYTES, 0)) else 0
        self._reader = FrameReader(self.seal, offset)
        return self._reader

    def _next_bytes(self, reader: FrameReader, until: Position) -> bytes:
        count = _CHUNK_BYTES
        if self._segment == until.segment:
            count = min(count, until.offset - reader.position)
        return self._bytes(count, reader.position) if count > 0 else b""

    def _bytes(self, count: int, offset: int) -> bytes:
        try:
            return self.disk.read(segment_path(self.folder, self._segment), count, offset)
        except FileNotFoundError:
            return b""  # deleted: the ledger has all of it


def segment_path(folder: Path, number: int) -> Path:
    """Return where the segment of a number lies."""
    return folder / f"{number:08}.seg"


def frames_of(parts: Sequence[Frame | Gap]) -> list[Frame]:
    """Return the frames among the parts of a segment."""
    return [part for part in parts if isinstance(part, Frame)]
