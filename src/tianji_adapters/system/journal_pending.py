"""Settled rows on their way to the ledger: so many in memory, the rest where it was written, to be read when its turn comes."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from tianji_adapters.system.journal_folders import LeftFolder
from tianji_adapters.system.journal_segments import Segment, SettlementReader
from tianji_core.spend.journal_entries import Settled
from tianji_core.spend.record import SpendRecord
from tianji_core.spend.replay import Position


class Ready(msgspec.Struct, eq=False):
    """The rows of one settlement in memory.

    Attributes:
        segment: Where it was written, in our own folder; None where it could not be written yet.
        end: Where it ends there; 0 where that says nothing about what came before.
        folder: The folder of another process that it comes from.
        taken: How many of its rows are flushed.
    """

    rows: tuple[SpendRecord, ...]
    segment: Segment | None = None
    end: int = 0
    folder: LeftFolder | None = None
    taken: int = 0
    is_flushed: bool = False


@dataclass(slots=True)
class PendingRows:
    """First in, first out. What was not written anywhere stays in memory in any case.

    Attributes:
        memory_rows: From how many rows on a settlement that is written is left to be read again.
        ready_rows: Rows in memory. `waiting`: all rows that are not flushed. `spilled_rows`: those in our own files only.
        left: Folders that were taken over and are not read to their end.
    """

    memory_rows: int
    ready_rows: int = 0
    waiting: int = 0
    spilled: SettlementReader | None = None
    spilled_rows: int = 0
    left: deque[LeftFolder] = field(default_factory=deque)
    _late: set[Position] = field(default_factory=set)
    _ready: deque[Ready] = field(default_factory=deque)

    def add(self, ready: Ready) -> None:
        """Append a settlement that is new."""
        count = len(ready.rows)
        self.waiting += count
        self.ready_rows += count
        self._ready.append(ready)

    def must_spill(self) -> bool:
        """Whether a settlement that is written now is to be read again later; those after it follow it, so that their order stays."""
        return self.spilled is not None or self.ready_rows >= self.memory_rows

    def spill(self, rows: int, reader: SettlementReader) -> None:
        """Count a settlement that stays where it was written; the first one brings the reader that begins before it."""
        self.waiting += rows
        self.spilled_rows += rows
        self.spilled = self.spilled or reader

    def written_late(self, ready: Ready, segment: Segment, end: int) -> None:
        """Note that a settlement in memory is written by now, maybe behind some that are not in memory."""
        ready.segment = segment  # and no `end`: it says nothing about what the ledger has of those
        if self.spilled is not None:
            self._late.add(Position(segment.number, end))

    def read_spilled(self, found: Sequence[tuple[Settled, Position]], numbered: Callable[[int], Segment]) -> None:
        """Append spilled settlements that were read again; without one, what is left of them cannot be read and is given up."""
        for settled, end in found:
            if end in self._late:
                continue  # it is in memory
            self.spilled_rows -= len(settled.records)
            self._append(Ready(settled.records, numbered(end.segment), end.offset))
        if not found or self.spilled_rows <= 0:
            self.waiting -= self.spilled_rows
            self.spilled, self.spilled_rows = None, 0
            self._late.clear()

    def add_left(self, left: LeftFolder) -> None:
        """Append the settlements of a folder that was taken over, unread."""
        self.waiting += left.rows
        left.is_read = not left.rows
        if not left.is_read:
            self.left.append(left)

    def read_left(self, left: LeftFolder, found: Sequence[Settled]) -> None:
        """Append settlements that were read in the first folder; at its end it is not read any more."""
        for settled in found:
            left.unflushed += 1
            left.rows -= len(settled.records)
            self._append(Ready(settled.records, folder=left))
        if not found or left.rows <= 0:
            self.waiting -= left.rows
            left.is_read = True
            self.left.popleft()

    def oldest(self, limit: int) -> Sequence[SpendRecord]:
        """Return the oldest rows in memory."""
        found: list[SpendRecord] = []
        for ready in self._ready:
            found += ready.rows[ready.taken :] if ready.taken else ready.rows
            if len(found) >= limit:
                break
        return tuple(found[:limit])

    def flush(self, count: int) -> list[Ready]:
        """Forget the oldest rows. Return the settlements of which nothing is left."""
        done: list[Ready] = []
        self.waiting -= count
        self.ready_rows -= count
        while count:
            first = self._ready[0]
            taken = min(count, len(first.rows) - first.taken)
            first.taken += taken
            count -= taken
            if first.taken < len(first.rows):
                break
            first.is_flushed = True
            done.append(self._ready.popleft())
        return done

    def _append(self, ready: Ready) -> None:
        self.ready_rows += len(ready.rows)
        self._ready.append(ready)
