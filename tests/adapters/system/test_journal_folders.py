"""Folders that others left: whole, torn, damaged, of another release, half made and half deleted."""

import fcntl
import os
import stat
import struct
import zlib
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.journals import FaultyDisk, die, file_journal, journal_folders, segment_files
from support.stores import call_id_of, record
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.system.journal_disk import Disk
from tianji_adapters.system.journal_files import FileJournal
from tianji_adapters.system.journal_folders import JournalFolders, LeftFolder
from tianji_core.spend.journal_frames import SEGMENT_HEADER_BYTES, Frame, read_frames, seal_of, segment_header

NAME = "0198c0de-0000-7000-8000-000000000001"
NOW_NS = FixedClock().now_ns()


def left_by_dead(root: Path, calls: int = 3, **settings: Any) -> FileJournal:
    dead = file_journal(root, **settings)

    async def write() -> None:
        for number in range(calls):
            await dead.settle(call_id_of(number), [record(number)])

    anyio.run(write)
    die(dead)
    return dead


def frames(path: Path) -> list[Frame]:
    parts = read_frames(path.read_bytes()[SEGMENT_HEADER_BYTES:], seal_of(path.parent.name))
    return [part for part in parts if isinstance(part, Frame)]


def taken(folders: JournalFolders) -> list[LeftFolder]:
    return list(folders.take_over(NAME, frozenset(), NOW_NS))


def rows(left: LeftFolder) -> list[str]:
    found: list[str] = []
    while piece := left.reader.read(left.until):
        found += [settled.call_id for settled, _ in piece]
    return found


def quarantined(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "quarantine").glob("*")}


def test_torn_end_is_kept_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    (path,) = segment_files(left_by_dead(tmp_path))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    (left,) = taken(JournalFolders(tmp_path, Disk()))
    last = frames(path)[-1].end
    assert (left.rows, left.damages, rows(left)) == (2, 0, [call_id_of(0), call_id_of(1)])
    assert quarantined(tmp_path) == {f"{left.path.name}-00000001-{last}.bin": whole[last:-5]}


def test_damaged_middle_is_kept_aside_and_what_follows_is_read(tmp_path: Path) -> None:
    (path,) = segment_files(left_by_dead(tmp_path))
    data, hit = bytearray(path.read_bytes()), frames(path)[1]
    data[hit.start + 20] ^= 1
    path.write_bytes(data)
    (left,) = taken(JournalFolders(tmp_path, Disk()))
    assert (left.rows, left.damages, rows(left)) == (2, 1, [call_id_of(0), call_id_of(2)])
    assert quarantined(tmp_path) == {f"{left.path.name}-00000001-{hit.start}.bin": bytes(data[hit.start : hit.end])}


def test_damaged_header_costs_no_frame(tmp_path: Path) -> None:
    (path,) = segment_files(left_by_dead(tmp_path))
    data = bytearray(path.read_bytes())
    data[0:6] = b"XXXXXX"
    path.write_bytes(data)
    (left,) = taken(JournalFolders(tmp_path, Disk()))
    assert (left.rows, left.damages, rows(left)) == (3, 1, [call_id_of(number) for number in range(3)])


@pytest.mark.parametrize("size", [0, 7, SEGMENT_HEADER_BYTES])
def test_segment_that_was_only_begun_holds_nothing(tmp_path: Path, size: int) -> None:
    dead = left_by_dead(tmp_path, segment_bytes=1)
    last = segment_files(dead)[-1]
    last.write_bytes(last.read_bytes()[:size])
    (left,) = taken(JournalFolders(tmp_path, Disk()))
    assert (left.rows, left.damages, rows(left)) == (2, 0, [call_id_of(0), call_id_of(1)])


def test_missing_segment_costs_what_was_in_it(tmp_path: Path) -> None:
    dead = left_by_dead(tmp_path, segment_bytes=1)
    segment_files(dead)[1].unlink()
    (left,) = taken(JournalFolders(tmp_path, Disk()))
    assert (left.rows, rows(left)) == (2, [call_id_of(0), call_id_of(2)])


def test_bytes_that_cannot_be_kept_aside_do_not_stop_the_rows(tmp_path: Path) -> None:
    (path,) = segment_files(left_by_dead(tmp_path))
    path.write_bytes(path.read_bytes()[:-5])
    (tmp_path / "quarantine").touch()
    (left,) = taken(JournalFolders(tmp_path, Disk()))
    assert len(rows(left)) == 2


def test_folder_of_a_newer_release_is_left_as_it_is_and_named(tmp_path: Path) -> None:
    dead = left_by_dead(tmp_path)
    (path,) = segment_files(dead)
    path.write_bytes(segment_header(1, 2) + path.read_bytes()[SEGMENT_HEADER_BYTES:])
    before, folders = path.read_bytes(), JournalFolders(tmp_path, Disk())
    assert (taken(folders), path.read_bytes()) == ([], before)
    assert "version 2" in folders.problems[dead.name]
    assert len(taken(JournalFolders(tmp_path, Disk()))) == 0, "its lock was let go"


def test_newer_folder_is_told_by_the_journal(tmp_path: Path) -> None:
    (path,) = segment_files(left_by_dead(tmp_path))
    path.write_bytes(segment_header(1, 9))
    journal = file_journal(tmp_path)
    anyio.run(journal.recover)
    assert path.parent.name in (journal.degraded or "")


def test_folder_that_cannot_be_read_is_left_and_the_others_are_taken(tmp_path: Path) -> None:
    bad, good = left_by_dead(tmp_path), left_by_dead(tmp_path)

    class Unreadable(Disk):
        def read(self, path: Path, count: int, offset: int) -> bytes:
            if path.parent.name == bad.name:
                raise OSError(5, "Input/output error")
            return super().read(path, count, offset)

    folders = JournalFolders(tmp_path, Unreadable())
    assert [left.path.name for left in taken(folders)] == [good.name]
    assert folders.problems == {bad.name: "Input/output error"}


def test_own_and_held_and_strange_folders_are_not_taken(tmp_path: Path) -> None:
    dead = left_by_dead(tmp_path)
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "notes.txt").touch()
    folders = JournalFolders(tmp_path, Disk())
    assert list(folders.take_over(dead.name, frozenset(), NOW_NS)) == []
    assert list(folders.take_over(NAME, frozenset((dead.name,)), NOW_NS)) == []


def test_folder_without_its_lock_file_is_taken(tmp_path: Path) -> None:
    dead = left_by_dead(tmp_path)
    (tmp_path / dead.name / "lock").unlink()
    assert [left.path.name for left in taken(JournalFolders(tmp_path, Disk()))] == [dead.name]


def test_folder_that_another_one_finished_between_its_opening_and_its_lock_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = left_by_dead(tmp_path)
    lock_it = fcntl.flock

    def late(file: int, operation: int) -> None:
        (tmp_path / dead.name).rename(tmp_path / "elsewhere")
        lock_it(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    folders = JournalFolders(tmp_path, Disk())
    assert (taken(folders), folders.problems) == ([], {})


def test_made_folder_has_its_name_and_its_lock_and_is_for_its_owner_only(tmp_path: Path) -> None:
    path, lock = JournalFolders(tmp_path, Disk()).make(NAME)
    assert [entry.name for entry in tmp_path.iterdir()] == [NAME]
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    other = os.open(path / "lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_lock_and_segments_do_not_pass_to_child_programs(tmp_path: Path) -> None:
    journal = file_journal(tmp_path)
    assert not any(os.get_inheritable(file) for file in (journal.lock, journal.writer.segments.current.descriptor))


def test_half_made_and_half_deleted_folders_are_swept(tmp_path: Path) -> None:
    for name in (f".new-{NAME}", f".gone-{NAME}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
    os.utime(tmp_path / f".new-{NAME}", ns=(NOW_NS, NOW_NS - 61 * 10**9))
    taken(JournalFolders(tmp_path, Disk()))
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_being_made_is_left_alone(tmp_path: Path) -> None:
    young = tmp_path / f".new-{NAME}"
    young.mkdir()
    os.utime(young, ns=(NOW_NS, NOW_NS))
    taken(JournalFolders(tmp_path, Disk()))
    assert list(tmp_path.iterdir()) == [young]


def test_deleted_folder_is_gone_and_its_lock_is_free(tmp_path: Path) -> None:
    folders = JournalFolders(tmp_path, Disk())
    path, lock = folders.make(NAME)
    folders.delete(path, lock)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError):
        os.fstat(lock)


def test_damage_is_told_and_the_start_goes_on(tmp_path: Path) -> None:
    (path,) = segment_files(left_by_dead(tmp_path))
    data = bytearray(path.read_bytes())
    data[30] ^= 0xFF
    path.write_bytes(data)
    journal = file_journal(tmp_path)
    anyio.run(journal.recover)
    assert (journal.damages, journal.waiting()) == (1, 2)
    assert "1 damaged places" in (journal.degraded or "")


def test_whole_frame_that_is_no_entry_is_kept_aside(tmp_path: Path) -> None:
    dead = left_by_dead(tmp_path, calls=1)
    (path,) = segment_files(dead)
    head = struct.pack("<BBHI", 4, 0, 0, 1)
    path.write_bytes(path.read_bytes() + head + struct.pack("<I", zlib.crc32(head + b"\x80", seal_of(dead.name))) + b"\x80")
    (left,) = taken(JournalFolders(tmp_path, Disk()))
    assert (rows(left), left.damages, list(quarantined(tmp_path).values())) == ([call_id_of(0)], 1, [b"\x80"])


def test_nothing_is_taken_over_on_a_network_file_system(tmp_path: Path) -> None:
    left_by_dead(tmp_path)
    journal = file_journal(tmp_path)
    journal.takes_over = False
    anyio.run(journal.recover)
    assert (journal.waiting(), len(list(journal_folders(tmp_path)))) == (0, 2)


def test_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    journal = file_journal(tmp_path / "a", disk=FaultyDisk())
    (tmp_path / "a").rename(tmp_path / "b")
    anyio.run(journal.recover)
    assert "No such file" in (journal.degraded or "")
    (tmp_path / "b").rename(tmp_path / "a")
    anyio.run(journal.recover)
    assert journal.degraded is None
