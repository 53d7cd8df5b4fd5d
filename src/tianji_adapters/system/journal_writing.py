"""Entries into segments, in order; settlements that the disk does not take wait in memory and go first when it does again."""

from collections import deque
from dataclasses import dataclass, field

import msgspec
import structlog

from tianji_adapters.system.journal_pending import PendingRows, Ready
from tianji_adapters.system.journal_segments import Segment, SegmentWriter, SettlementReader
from tianji_core.spend.journal_entries import Entry, Kind, OpenCall, Settled, fitting
from tianji_core.spend.journal_frames import FrameEncoder
from tianji_core.spend.replay import Position, Running

# What MessagePack refuses: numbers beyond 64 bits, text that is no text, nesting without end, too many bytes.
_UNFIT = (ValueError, TypeError, OverflowError, RecursionError)
_log = structlog.get_logger("tianji.journal")


class Opened(msgspec.Struct, eq=False):
    """An opened call, the segment that holds its OPEN, and when that was written."""

    running: Running
    segment: Segment
    noted_at_ns: int


class _Kept(msgspec.Struct, frozen=True, eq=False):
    settled: Settled
    ready: Ready
    opened: Opened | None


@dataclass(slots=True)
class EntryWriter:
    """Writes entries.

    Attributes:
        calls: The opened calls, in the order in which they were noted.
        kept_rows: Settled rows that are in memory only.
        failure: Why the last write failed.
    """

    segments: SegmentWriter
    encoder: FrameEncoder
    rows: PendingRows
    calls: dict[str, Opened] = field(default_factory=dict)
    kept_rows: int = 0
    failure: str | None = None
    _kept: deque[_Kept] = field(default_factory=deque)

    def append(self, kind: Kind, entry: Entry) -> Segment:
        """Write an entry after everything that could not be written before. Raises OSError; ValueError where no disk would take it."""
        if self._kept:
            self.write_kept()
        try:
            frame = self.encoder.encode(kind, entry)
        except _UNFIT:
            frame = self._encode_fitting(kind, entry)
        segment = self.segments.append(frame)
        self.failure = None
        return segment

    def open(self, call: OpenCall, noted_at_ns: int) -> None:
        """Write that a call goes upstream. Raises OSError or ValueError."""
        segment = self.append(Kind.OPEN, call)
        segment.running += 1
        self.calls[call.call_id] = Opened(Running(call=call), segment, noted_at_ns)

    def settle(self, settled: Settled) -> None:
        """Write a settlement, or keep it until that is possible."""
        opened = self.calls.pop(settled.call_id, None)
        try:
            segment = self.append(Kind.SETTLE, settled)
        except OSError as error:
            self.fail(error)
            self._keep(settled, opened)
            return
        except ValueError as error:
            _log.error("settled rows are in memory only, until the database has them", call_id=settled.call_id, reason=str(error))
            self.rows.add(Ready(settled.records))
        else:
            segment.unflushed += 1
            if self.rows.must_spill():
                self._spill(settled, segment)
            else:
                self.rows.add(Ready(settled.records, segment, segment.size))
        if opened is not None:
            opened.segment.running -= 1

    def write_kept(self) -> None:
        """Write what is kept in memory, oldest first. Raises OSError."""
        while self._kept:
            kept = self._kept[0]
            try:
                frame = self.encoder.encode(Kind.SETTLE, kept.settled)
            except _UNFIT:
                frame = self._encode_fitting(Kind.SETTLE, kept.settled)
            segment = self.segments.append(frame)
            segment.unflushed += 1
            self.rows.written_late(kept.ready, segment, segment.size)
            self._forget(kept)
        self.failure = None

    def forget_flushed(self) -> None:
        """Forget what was kept in memory and is in the ledger by now."""
        while self._kept and self._kept[0].ready.is_flushed:
            self._forget(self._kept[0])

    def copy_forward(self, *, now_ns: int, older_than_seconds: float) -> None:
        """Note calls again that were noted long ago, so that their segments can go. Raises OSError or ValueError."""
        for call_id, opened in tuple(self.calls.items()):
            if now_ns - opened.noted_at_ns < older_than_seconds * 1e9:
                return
            if opened.segment is self.segments.current:
                continue
            again, *others = opened.running.entries()
            segment = self.append(*again)
            for kind, entry in others:
                self.append(kind, entry)
            opened.segment.running -= 1
            segment.running += 1
            del self.calls[call_id]
            self.calls[call_id] = Opened(opened.running, segment, now_ns)

    def probe(self) -> None:
        """After a failure, find out whether the disk takes something again: where nobody calls any more, nothing else would."""
        if self.failure is None:
            return
        try:
            self.segments.probe()
        except OSError as error:
            self.fail(error)
        else:
            self.failure = None

    def fail(self, error: OSError) -> None:
        """Remember why the disk does not take anything; one line in the log for a whole outage."""
        reason = error.strerror or str(error)
        if self.failure is None:
            _log.error("the journal cannot be written", folder=str(self.segments.folder), reason=reason)
        self.failure = f"the journal in {self.segments.folder} cannot be written: {reason}"

    def _spill(self, settled: Settled, segment: Segment) -> None:
        after = Position(segment.number, segment.last)
        reader = self.rows.spilled or SettlementReader(self.segments.folder, self.segments.disk, self.encoder.seal, after)
        self.rows.spill(len(settled.records), reader)

    def _encode_fitting(self, kind: Kind, entry: Entry) -> bytes:
        try:
            return self.encoder.encode(kind, fitting(entry))
        except _UNFIT as error:
            raise ValueError(f"an entry of kind {kind.name} cannot be written: {type(error).__name__}") from error

    def _keep(self, settled: Settled, opened: Opened | None) -> None:
        ready = Ready(settled.records)
        self.rows.add(ready)
        self._kept.append(_Kept(settled, ready, opened))
        self.kept_rows += len(settled.records)

    def _forget(self, kept: _Kept) -> None:
        self._kept.popleft()
        self.kept_rows -= len(kept.settled.records)
        if kept.opened is not None:
            kept.opened.segment.running -= 1
