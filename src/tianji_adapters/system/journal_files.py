"""The spend journal on a local disk: a call's rows survive the end of the process, however it comes.

One folder a process under one root, appended to by plain writes: what a write has taken, the kernel has. Only a loss of power could lose
it before the next group sync. What cannot be written is kept in memory, offered to the ledger directly, and written later.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread
import structlog

from tianji_adapters.system.journal_disk import Disk, file_system_of, is_network_file_system
from tianji_adapters.system.journal_folders import JournalFolders, LeftFolder
from tianji_adapters.system.journal_pending import PendingRows, Ready
from tianji_adapters.system.journal_segments import SegmentWriter
from tianji_adapters.system.journal_sync import GroupSync
from tianji_adapters.system.journal_writing import EntryWriter
from tianji_core.errors import ConfigurationError, DependencyUnavailableError
from tianji_core.ports.clock import Clock
from tianji_core.ports.identifiers import Identifiers
from tianji_core.spend.journal_entries import Attempted, Flushed, Kind, OpenCall, Progress, Settled, Voided
from tianji_core.spend.journal_frames import FrameEncoder, seal_of
from tianji_core.spend.journal_settings import JournalSettings
from tianji_core.spend.record import SpendRecord
from tianji_core.spend.replay import PriceOf, interrupted_rows

_HOUSEKEEPING_SECONDS = 1.0
_RETRY_READING_SECONDS = 1.0
_log = structlog.get_logger("tianji.journal")


def open_journal(
    root: Path,
    *,
    clock: Clock,
    identifiers: Identifiers,
    price: PriceOf,
    settings: JournalSettings | None = None,
    disk: Disk | None = None,
) -> "FileJournal":
    """Return a journal in a folder of its own under `root`. Call it after the last fork: the folder's lock is the process's life.

    Args:
        price: Prices the calls that a dead process left open.

    Raises:
        ConfigurationError: nothing can be written there, or it is a network file system.
    """
    settings, disk = settings or JournalSettings(), disk or Disk()
    folders, name = JournalFolders(root, disk), identifiers.uuid7(clock.now_ns())
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        kind = file_system_of(root)
        if is_network_file_system(kind) and not settings.allow_network_fs:
            raise ConfigurationError(
                f"the journal's folder {root} is on a network file system ({kind}), where a lock does not end with its process",
                hint="give it a local disk, or set `journal.allow_network_fs`: then no process takes over what another one left",
            )
        folder, lock = folders.make(name)
        sync = GroupSync(disk, settings.sync_interval_seconds)
        segments = SegmentWriter(folder, disk, sync, clock, settings.segment_bytes)
        segments.begin()
    except OSError as error:
        raise ConfigurationError(
            f"the spend journal cannot be written to {root}: {error.strerror or error}",
            hint="calls are accounted there before they are answered: make the folder writable, or name another data directory",
        ) from error
    rows = PendingRows(settings.memory_rows)
    writer = EntryWriter(segments, FrameEncoder(seal_of(name)), rows)
    return FileJournal(name, clock, price, settings, folders, lock, sync, writer, rows, takes_over=not is_network_file_system(kind))


@dataclass(slots=True)
class FileJournal:
    """Implements the `Journal` port; made by `open_journal`."""

    name: str
    clock: Clock
    price: PriceOf
    settings: JournalSettings
    folders: JournalFolders
    lock: int
    sync: GroupSync
    writer: EntryWriter
    rows: PendingRows
    takes_over: bool
    damages: int = 0
    _held: dict[str, LeftFolder] = field(default_factory=dict)
    _held_bytes: int = 0
    _little_space: str | None = None
    _waiter: anyio.Event | None = None
    _recovering: bool = False

    async def open(self, call: OpenCall) -> None:
        """Write that the call goes upstream now; it survives the process when this returns."""
        if self.size_bytes() > self.settings.max_bytes:
            raise _refused(self._too_large(), "bring the database back: the journal empties itself into it")
        try:
            self.writer.open(call, call.started_at_ns)
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from error

    async def attempt(self, attempt: Attempted) -> None:
        """Write that the call goes upstream again."""
        try:
            self.writer.append(Kind.ATTEMPT, attempt)
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from error
        opened = self.writer.calls.get(attempt.call_id)
        if opened is not None:
            opened.running = opened.running.attempted(attempt)

    def progress(self, progress: Progress) -> None:
        """Write how far the answer has come, if that is possible now."""
        opened = self.writer.calls.get(progress.call_id)
        if opened is not None:
            opened.running = opened.running.progressed(progress)
            self._try_append(Kind.PROGRESS, progress)

    async def settle(self, call_id: str, records: Sequence[SpendRecord]) -> None:
        """Write the rows of a call, or keep them where the disk does not take them."""
        if not records:
            self.void(call_id)
            return
        self.writer.settle(Settled(call_id=call_id, records=tuple(records)))
        if self._waiter is not None:
            self._tell()
        if self.settings.sync_interval_seconds == 0 and self.writer.failure is None:
            await self.sync.wait()
        while self.writer.kept_rows > self.settings.memory_rows:
            await self._change()

    def void(self, call_id: str) -> None:
        """Write that nothing was sent; where that fails the call is an interrupted one for whoever comes after a crash."""
        opened = self.writer.calls.pop(call_id, None)
        if opened is not None:
            self._try_append(Kind.VOID, Voided(call_id=call_id))
            opened.segment.running -= 1

    async def pending(self, limit: int) -> Sequence[SpendRecord]:
        """Return the oldest rows, reading them again where they are no longer in memory; waits for the first."""
        while True:
            while self.rows.ready_rows < limit and (self.rows.left or self.rows.spilled):
                await self._refill()
            if self.rows.ready_rows:
                return self.rows.oldest(limit)
            await self._change()

    async def flushed(self, count: int) -> None:
        """Forget the oldest rows, and write that the ledger has them."""
        mark: Flushed | None = None
        for ready in self.rows.flush(count):
            if ready.segment is not None:
                ready.segment.unflushed -= 1
                mark = Flushed(segment=ready.segment.number, offset=ready.end) if ready.end else mark
            if ready.folder is not None:
                ready.folder.unflushed -= 1
                self._delete_if_done(ready.folder)
        self.writer.forget_flushed()
        if mark is not None:
            self._try_append(Kind.FLUSHED, mark)
        self._delete_done()
        self._tell()

    def waiting(self) -> int:
        """How many rows are not flushed."""
        return self.rows.waiting

    def size_bytes(self) -> int:
        """How much the files hold that cannot be deleted yet, ours and those that were taken over."""
        return self.writer.segments.total_bytes + self._held_bytes

    @property
    def takes_calls(self) -> bool:
        """Whether the last write succeeded, and there is room for more of what the database does not have."""
        return self.writer.failure is None and self.size_bytes() <= self.settings.max_bytes

    @property
    def degraded(self) -> str | None:
        """Everything that is wrong, for people."""
        found = [self.writer.failure, self.sync.failure, self._little_space]
        if self.writer.kept_rows:
            found.append(f"{self.writer.kept_rows} settled rows are in memory only")
        if self.size_bytes() > self.settings.max_bytes:
            found.append(self._too_large())
        if self.damages:
            found.append(f"{self.damages} damaged places of journals were found in {self.folders.root}")
        found += [f"the journal folder {name} cannot be taken over: {text}" for name, text in sorted(self.folders.problems.items())]
        return "; ".join(text for text in found if text) or None

    async def recover(self) -> None:
        """Take over the folders of processes that are gone."""
        if self._recovering or not self.takes_over:
            return
        self._recovering = True
        try:
            with anyio.CancelScope(shield=True):  # a folder that is locked must not be forgotten
                for left in await anyio.to_thread.run_sync(self._find_left):
                    self._take(left)
            self.folders.problems.pop(self.folders.root.name, None)
        except OSError as error:
            self.folders.problems[self.folders.root.name] = error.strerror or str(error)
        finally:
            self._recovering = False

    async def run(self) -> None:
        """Sync, retry, rotate, tidy and take over, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.sync.run)
            tasks.start_soon(self._recover_again)
            while True:
                await anyio.sleep(_HOUSEKEEPING_SECONDS)
                self.keep_house()

    async def close(self) -> None:
        """Sync, and delete our folder if the ledger has everything of it; else it is for the next process."""
        self._keep_trying()
        segments = self.writer.segments
        self.sync.retire(segments.current.descriptor)
        self.sync.finish()
        for left in self._held.values():
            os.close(left.lock)
        if self.writer.kept_rows:
            _log.critical("settled rows are lost: neither the disk nor the database took them", rows=self.writer.kept_rows)
        if not segments.is_done:
            os.close(self.lock)
            return
        try:
            self.folders.delete(segments.folder, self.lock)
        except OSError as error:
            _log.warning("the journal's folder cannot be deleted", folder=str(segments.folder), reason=error.strerror or str(error))

    def keep_house(self) -> None:
        """Write what could not be written, rotate, note old calls again, delete what is done, look at the space that is left."""
        self._keep_trying()
        self._delete_done()
        try:
            # Where it is full the newest file has to go as well, once the ledger has all of it.
            is_full = self.size_bytes() > self.settings.max_bytes
            self.writer.segments.rotate_if_older(0.0 if is_full else self.settings.segment_seconds)
            self.writer.copy_forward(now_ns=self.clock.now_ns(), older_than_seconds=self.settings.copy_forward_seconds)
            free = self.folders.disk.free_bytes(self.folders.root)
        except OSError as error:
            self.writer.fail(error)
            return
        except ValueError as error:
            _log.warning("an old call cannot be noted again; its journal segment stays", reason=str(error))
            return
        is_little = free < self.settings.min_free_bytes
        self._little_space = f"only {free >> 20} MiB are free for the journal in {self.folders.root}" if is_little else None

    def _keep_trying(self) -> None:
        if self.sync.failure is not None:  # what it could not bring to the disk is tried again, new bytes or not
            self.sync.dirty = self.writer.segments.current.descriptor
        if not self.writer.kept_rows:
            self.writer.probe()
            return
        try:
            self.writer.write_kept()
        except OSError as error:
            self.writer.fail(error)
        self._tell()

    def _delete_done(self) -> None:
        try:
            self.writer.segments.delete_done()
        except OSError as error:
            self.writer.fail(error)

    def _try_append(self, kind: Kind, entry: Progress | Voided | Flushed) -> None:
        """Write an entry that only saves work after a crash."""
        try:
            self.writer.append(kind, entry)
        except OSError as error:
            self.writer.fail(error)
        except ValueError as error:
            _log.warning("a journal entry is left out", reason=str(error))

    async def _refill(self) -> None:
        try:
            with anyio.CancelScope(shield=True):  # what was read would be forgotten
                if self.rows.left:
                    await self._read_left(self.rows.left[0])
                elif self.rows.spilled is not None:
                    found = await anyio.to_thread.run_sync(self.rows.spilled.read, self.writer.segments.end())
                    if not found:
                        _log.error("settled rows cannot be read again from the journal", rows=self.rows.spilled_rows)
                        self.damages += 1
                    self.rows.read_spilled(found, self.writer.segments.numbered)
        except OSError as error:
            self.writer.fail(error)
            await anyio.sleep(_RETRY_READING_SECONDS)

    async def _read_left(self, left: LeftFolder) -> None:
        found = await anyio.to_thread.run_sync(left.reader.read, left.until)
        self.rows.read_left(left, [settled for settled, _ in found])
        self._delete_if_done(left)

    def _find_left(self) -> list[LeftFolder]:
        return list(self.folders.take_over(self.name, frozenset(self._held), self.clock.now_ns()))

    def _take(self, left: LeftFolder) -> None:
        self._held[left.path.name] = left
        self._held_bytes += left.total_bytes
        self.damages += left.damages
        self.rows.add_left(left)
        for running in left.interrupted:
            left.unflushed += 1
            self.rows.add(Ready(interrupted_rows(running, self.price, self.settings.interrupted_billing), folder=left))
        _log.info("a journal folder is taken over", folder=left.path.name, rows=left.rows, interrupted=len(left.interrupted))
        self._delete_if_done(left)
        self._tell()

    def _delete_if_done(self, left: LeftFolder) -> None:
        if left.unflushed or not left.is_read:
            return
        del self._held[left.path.name]
        self._held_bytes -= left.total_bytes
        try:
            self.folders.delete(left.path, left.lock)
        except OSError as error:
            self.folders.problems[left.path.name] = f"it cannot be deleted: {error.strerror or error}"

    async def _recover_again(self) -> None:
        while True:
            await self.recover()
            await anyio.sleep(self.settings.adopt_seconds)

    def _too_large(self) -> str:
        held, most = self.size_bytes() >> 20, self.settings.max_bytes >> 20
        return f"the journal holds {held} of at most {most} MiB that the database does not have yet"

    def _unwritable(self, error: OSError | ValueError) -> DependencyUnavailableError:
        if isinstance(error, OSError):
            self.writer.fail(error)
        return _refused(f"the call cannot be accounted: {error}", f"look at the disk that holds {self.folders.root}")

    async def _change(self) -> None:
        self._waiter = self._waiter or anyio.Event()
        await self._waiter.wait()

    def _tell(self) -> None:
        if self._waiter is not None:
            self._waiter.set()
            self._waiter = None


def _refused(message: str, hint: str) -> DependencyUnavailableError:
    return DependencyUnavailableError(message, hint=hint, code="journal_unavailable", retry_after_seconds=1.0)
