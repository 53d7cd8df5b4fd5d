"""The disk of a process that can be killed: what was written stays, what was locked is free, and a dead process touches nothing."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from support.simulation.chance import Life
from tianji_adapters.system.journal_disk import Disk
from tianji_adapters.system.journal_files import FileJournal
from tianji_adapters.system.journal_folders import JournalFolders, LeftFolder


class MortalDisk(Disk):
    """Ends with its process.

    Attributes:
        full: Simulated seconds between which it takes nothing.
        on_torn: Set to what is to happen after half of the next write.
    """

    def __init__(self, life: Life, full: tuple[float, float]) -> None:
        self.life, self.full = life, full
        self.on_torn: Callable[[], None] | None = None
        self.write = self._write
        self._open: set[int] = set()

    def create(self, path: Path) -> int:
        self.life.check()
        descriptor = super().create(path)
        self._open.add(descriptor)
        return descriptor

    def truncate(self, descriptor: int, length: int) -> None:
        self.life.check()
        super().truncate(descriptor, length)

    def read(self, path: Path, count: int, offset: int) -> bytes:
        self.life.check()
        return super().read(path, count, offset)

    def sync(self, descriptor: int) -> None:
        self.life.check()
        self._check()

    def sync_folder(self, path: Path) -> None:
        self.life.check()

    def free_bytes(self, path: Path) -> int:
        return 1 << 40

    def close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.remove(descriptor)
            os.close(descriptor)

    def die(self) -> None:
        """Let go of every file."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open.clear()

    def _write(self, descriptor: int, data: bytes, offset: int) -> int:
        self.life.check()
        self._check()
        if self.on_torn is not None:
            os.pwrite(descriptor, data[: len(data) // 2], offset)
            self.on_torn()
        self.life.check()
        return os.pwrite(descriptor, data, offset)

    def _check(self) -> None:
        begins, ends = self.full
        if begins <= anyio.current_time() < ends:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(slots=True)
class MortalFolders(JournalFolders):
    """Lets go of every lock when its process ends."""

    life: Life = field(default_factory=Life)
    locks: set[int] = field(default_factory=set)

    def take_over(self, own: str, held: frozenset[str], now_ns: int) -> Iterator[LeftFolder]:
        """Yield each folder whose process is gone."""
        self.life.check()
        for left in JournalFolders.take_over(self, own, held, now_ns):
            self.locks.add(left.lock)
            yield left

    def delete(self, path: Path, lock: int) -> None:
        """Delete a folder."""
        self.life.check()
        self.locks.discard(lock)
        JournalFolders.delete(self, path, lock)

    def die(self) -> None:
        """Let go of every lock."""
        for lock in self.locks:
            os.close(lock)
        self.locks.clear()


def make_mortal(journal: FileJournal, life: Life) -> None:
    """Let a journal end with its process."""
    folders = journal.folders
    journal.folders = MortalFolders(folders.root, folders.disk, life=life, locks={journal.lock})
