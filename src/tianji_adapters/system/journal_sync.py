"""Brings the journal's bytes to the disk itself, many at once and in a thread of its own, so that no call waits for a disk that is slow."""

from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from tianji_adapters.system.journal_disk import Disk


@dataclass(slots=True)
class GroupSync:
    """Syncs what was written since the last time.

    Args:
        interval_seconds: Between two groups; 0 begins the next one as soon as somebody waits for it; None never syncs.

    Attributes:
        dirty: The descriptor that has new bytes; -1 for none.
        failure: Why the last group did not reach the disk.
    """

    disk: Disk
    interval_seconds: float | None
    dirty: int = -1
    failure: str | None = None
    _retired: list[int] = field(default_factory=list)
    _folders: set[Path] = field(default_factory=set)
    _begun: int = 0
    _ended: int = 0
    _is_over: bool = False
    _wanted: anyio.Event = field(default_factory=anyio.Event)
    _told: anyio.Event = field(default_factory=anyio.Event)

    def made(self, folder: Path) -> None:
        """Note that a folder has a new name in it."""
        self._folders.add(folder)

    def retire(self, descriptor: int) -> None:
        """Close a file as soon as its bytes are on the disk; nothing is written to it any more."""
        self._retired.append(descriptor)
        self.dirty = -1

    async def wait(self) -> None:
        """Return when everything written before is on the disk, or when that failed, or nobody syncs any more before the end does."""
        group = self._begun + 1  # one that begins from now on has it all
        self._wanted.set()
        while self._ended < group and not self._is_over:
            await self._told.wait()

    async def run(self) -> None:
        """Sync for ever."""
        self._is_over = False
        try:
            await self._run()
        finally:
            self._is_over = True
            self._told.set()

    async def _run(self) -> None:
        limiter = anyio.CapacityLimiter(1)
        while True:
            if self.interval_seconds == 0:
                await self._wanted.wait()
                self._wanted = anyio.Event()
            else:
                await anyio.sleep(self.interval_seconds if self.interval_seconds is not None else 1.0)
            if self.dirty >= 0 or self._retired or self._folders or self.interval_seconds == 0:
                await self._group(limiter)

    def finish(self) -> None:
        """Sync and close what is left, in this thread."""
        self._note(self._sync(*self._take()))

    async def _group(self, limiter: anyio.CapacityLimiter) -> None:
        self._begun += 1
        taken = self._take()
        with anyio.CancelScope(shield=True):  # what was taken would be forgotten
            self._note(await anyio.to_thread.run_sync(self._sync, *taken, limiter=limiter))
        self._ended = self._begun
        self._told.set()
        self._told = anyio.Event()

    def _take(self) -> tuple[int, tuple[int, ...], frozenset[Path]]:
        taken = self.dirty, tuple(self._retired), frozenset(self._folders)
        self.dirty = -1
        self._retired.clear()
        self._folders.clear()
        return taken

    def _note(self, failure: str | None) -> None:
        self.failure = failure

    def _sync(self, dirty: int, retired: tuple[int, ...], folders: frozenset[Path]) -> str | None:
        failure = None
        try:
            if self.interval_seconds is not None:
                for descriptor in (*retired, dirty) if dirty >= 0 else retired:
                    self.disk.sync(descriptor)
                for folder in folders:
                    self.disk.sync_folder(folder)
        except OSError as error:
            failure = f"the journal cannot be brought to the disk: {error.strerror or error}"
        for descriptor in retired:
            self.disk.close(descriptor)
        return failure
