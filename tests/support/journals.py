"""Journals on a disk that can be made to fail, and what is in their files."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.system.identifiers import SystemIdentifiers
from tianji_adapters.system.journal_disk import Disk
from tianji_adapters.system.journal_files import FileJournal, open_journal
from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import Usage
from tianji_core.spend.journal_entries import OpenCall
from tianji_core.spend.journal_settings import JournalSettings

NANO_PER_TOKEN = 10


class FaultyDisk(Disk):
    """Fails where it is told to.

    Attributes:
        full: Every write takes nothing. `room`: how many bytes are left before that; None for no end.
        broken: What every write, sync and truncation raises.
        synced: How many files were brought to the disk.
    """

    def __init__(self) -> None:
        self.room: int | None = None
        self.broken: int | None = None
        self.free: int = 1 << 40
        self.synced = 0

    def write(self, descriptor: int, data: bytes, offset: int) -> int:
        self._check()
        if self.room is not None:
            if self.room == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self.room]
            self.room -= len(data)
        return os.pwrite(descriptor, data, offset)

    def truncate(self, descriptor: int, length: int) -> None:
        self._check()
        super().truncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        self._check()
        self.synced += 1
        super().sync(descriptor)

    def free_bytes(self, path: Path) -> int:
        return self.free

    def _check(self) -> None:
        if self.broken is not None:
            raise OSError(self.broken, os.strerror(self.broken))


def by_the_token(call: OpenCall, usage: Usage) -> Cost:
    """Price every token the same."""
    given, produced = usage.input_total or 0, usage.output_total or 0
    total = NANO_PER_TOKEN * (given + produced)
    return Cost(
        total_nano=total, list_nano=total, input_nano=NANO_PER_TOKEN * given, output_nano=NANO_PER_TOKEN * produced, source="computed"
    )


def file_journal(folder: Path, *, clock: FixedClock | None = None, disk: Disk | None = None, **settings: object) -> FileJournal:
    """Return a journal of a process of its own under `folder`."""
    return open_journal(
        folder,
        clock=clock or FixedClock(),
        identifiers=SystemIdentifiers(),
        price=by_the_token,
        settings=JournalSettings(**settings),  # type: ignore[arg-type]
        disk=disk or FaultyDisk(),
    )


def die(journal: FileJournal) -> None:
    """End a journal as a killed process does: its lock and its files are let go, and nothing else happens."""
    os.close(journal.lock)
    journal.writer.segments.disk.close(journal.writer.segments.current.descriptor)


def segment_files(journal: FileJournal) -> list[Path]:
    """Return the segments of a journal's own folder, oldest first."""
    return sorted(journal.writer.segments.folder.glob("*.seg"))


def journal_folders(root: Path) -> Iterator[str]:
    """Yield the names of the processes' folders."""
    return (path.name for path in root.iterdir() if path.is_dir() and path.name != "quarantine")
