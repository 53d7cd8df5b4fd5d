"""The folders of a journal: one a process, locked for as long as the process lives, taken over by another one afterwards.

The kernel ends a lock with its process, whatever ended that: no process id, host or container name is asked.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from tianji_adapters.system.journal_disk import Disk
from tianji_adapters.system.journal_segments import SettlementReader, frames_of, segment_path
from tianji_core.spend.journal_frames import (
    SEGMENT_HEADER_BYTES,
    VERSION,
    Frame,
    Gap,
    read_frames,
    read_segment_header,
    seal_of,
)
from tianji_core.spend.replay import Position, Replay, Running, settlements

_LOCK, _QUARANTINE, _NEW, _GONE = "lock", "quarantine", ".new-", ".gone-"
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SEGMENT = re.compile(r"(\d{8,})\.seg")
# A folder that is being made is not locked yet.
_YOUNG_NS = 60 * 1_000_000_000
_LONGEST_SEGMENT_BYTES = 1 << 28
_log = structlog.get_logger("tianji.journal")


@dataclass(slots=True)
class LeftFolder:
    """What another process left: its settlements are read on demand, its open calls are known.

    Attributes:
        rows: Of its settlements after the last flush.
        unflushed: Settlements and interrupted calls of it that were handed on and are not in the ledger yet.
        damages: Places that held no frame and had frames after them.
    """

    path: Path
    lock: int
    until: Position
    reader: SettlementReader
    interrupted: tuple[Running, ...]
    rows: int
    total_bytes: int
    damages: int
    unflushed: int = 0
    is_read: bool = False


@dataclass(slots=True)
class JournalFolders:
    """The folders under one root.

    Attributes:
        problems: What is wrong with folders that cannot be taken over, by their names.
    """

    root: Path
    disk: Disk
    problems: dict[str, str] = field(default_factory=dict)

    def make(self, name: str) -> tuple[Path, int]:
        """Make a folder of our own and return it with the lock that we hold on it. Raises OSError.

        It gets its name when it is locked, so that nobody takes it for one that was left.
        """
        hidden, path = self.root / f"{_NEW}{name}", self.root / name
        hidden.mkdir(mode=0o700, parents=True)
        lock = os.open(hidden / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
        except OSError:
            os.close(lock)
            raise
        return path, lock

    def take_over(self, own: str, held: frozenset[str], now_ns: int) -> Iterator[LeftFolder]:
        """Yield each folder whose process is gone, locked. Blocks on the disk: call it in a thread."""
        for path in sorted(self.root.iterdir()):
            name = path.name
            if name == own or name in held or name in self.problems or not path.is_dir():
                continue
            if _NAME.fullmatch(name):
                lock = _try_lock(path)
                if lock is not None:
                    left = self._read(path, lock)
                    if left is not None:
                        yield left
            elif name.startswith((_NEW, _GONE)):
                self._sweep(path, now_ns)

    def delete(self, path: Path, lock: int) -> None:
        """Delete a folder of which the ledger has everything, and let go of its lock. Raises OSError."""
        gone = self.root / f"{_GONE}{path.name}"
        path.rename(gone)  # at once: a folder that is half deleted must not be read again
        os.close(lock)
        shutil.rmtree(gone)

    def _sweep(self, path: Path, now_ns: int) -> None:
        """Delete what a process left that died while it made or deleted a folder."""
        with suppress(FileNotFoundError):  # it got its name meanwhile
            if path.name.startswith(_NEW) and now_ns - path.stat().st_mtime_ns < _YOUNG_NS:
                return
        lock = _try_lock(path)
        if lock is not None:
            os.close(lock)
            shutil.rmtree(path, ignore_errors=True)

    def _read(self, path: Path, lock: int) -> LeftFolder | None:
        try:
            return self._scan(path, lock)
        except (OSError, ValueError) as error:
            # Nothing is deleted: an operator, or a newer release, can still read it.
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self.problems[path.name] = reason
            _log.error("a journal folder is left as it is", folder=str(path), reason=reason)
            os.close(lock)
            return None

    def _scan(self, path: Path, lock: int) -> LeftFolder:
        numbers = sorted(int(match[1]) for entry in path.iterdir() if (match := _SEGMENT.fullmatch(entry.name)))
        replay, seal, sizes, damages = Replay(), seal_of(path.name), dict[int, int](), 0
        self._refuse_newer(path, numbers)
        for number in numbers:
            data = self._content(path, number)
            sizes[number] = len(data)
            for part in _parts(data, seal):
                problem = _problem(replay, part)
                if problem is not None:
                    self._quarantine(path.name, number, part, problem)
                    damages += not (isinstance(part, Gap) and part.torn)
        rows = sum(self._rows(path, number, seal, replay.flushed) for number in numbers if number >= replay.flushed.segment)
        last = numbers[-1] if numbers else 0
        return LeftFolder(
            path=path,
            lock=lock,
            until=Position(last, sizes.get(last, 0)),
            reader=SettlementReader(path, self.disk, seal, replay.flushed),
            interrupted=replay.interrupted,
            rows=rows,
            total_bytes=sum(sizes.values()),
            damages=damages,
        )

    def _rows(self, path: Path, number: int, seal: int, after: Position) -> int:
        frames = frames_of(_parts(self._content(path, number), seal))
        return sum(len(settled.records) for settled, _ in settlements(number, frames, after))

    def _refuse_newer(self, path: Path, numbers: list[int]) -> None:
        for number in numbers:
            header = read_segment_header(self.disk.read(segment_path(path, number), SEGMENT_HEADER_BYTES, 0))
            if header is not None and header.version > VERSION:
                raise ValueError(f"segment {number} is of format version {header.version}; this release reads up to {VERSION}")

    def _content(self, path: Path, number: int) -> bytes:
        return self.disk.read(segment_path(path, number), _LONGEST_SEGMENT_BYTES, 0)

    def _quarantine(self, folder: str, number: int, part: Frame | Gap, problem: str) -> None:
        data = part.data if isinstance(part, Gap) else part.payload
        place = self.root / _QUARANTINE / f"{folder}-{number:08}-{part.start}.bin"
        try:
            place.parent.mkdir(mode=0o700, exist_ok=True)
            place.write_bytes(data)
        except OSError as error:  # what can be read is booked all the same
            _log.error("damaged bytes of the journal cannot be kept", folder=folder, reason=error.strerror or str(error))
        tell = _log.warning if isinstance(part, Gap) and part.torn else _log.error
        tell(problem, folder=folder, segment=number, offset=part.start, bytes=len(data), kept=str(place))


def _parts(data: bytes, seal: int) -> list[Frame | Gap]:
    if read_segment_header(data) is not None:
        return read_frames(data[SEGMENT_HEADER_BYTES:], seal)
    return read_frames(data, seal, offset=0)


def _problem(replay: Replay, part: Frame | Gap) -> str | None:
    if isinstance(part, Gap):
        return "the end of a journal segment is torn" if part.torn else "a journal segment is damaged"
    try:
        replay.add(part)
    except ValueError as error:
        return str(error)
    return None


def _try_lock(path: Path) -> int | None:
    """Return the lock on a folder; None where its process lives, or where somebody else was faster."""
    place = path / _LOCK
    try:
        lock = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # deleted meanwhile, or another user's
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if place.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    except OSError:  # held, or deleted meanwhile
        pass
    os.close(lock)
    return None
