"""Groups of bytes on their way to the disk itself."""

import errno
import os
import threading
from pathlib import Path

import anyio
import pytest

from tianji_adapters.system.journal_disk import Disk
from tianji_adapters.system.journal_sync import GroupSync

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Recorder(Disk):
    """Notes what is synced, in which thread, and fails where it is told to; it may be held back."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.threads: set[int] = set()
        self.fails = False
        self.go = threading.Event()
        self.go.set()

    def sync(self, descriptor: int) -> None:
        assert self.go.wait(5)
        self.threads.add(threading.get_ident())
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.done.append(f"file {descriptor}")

    def sync_folder(self, path: Path) -> None:
        self.done.append(f"folder {path.name}")

    def close(self, descriptor: int) -> None:
        self.done.append(f"close {descriptor}")


async def test_waiting_writers_share_one_group(tmp_path: Path) -> None:
    disk = Recorder()
    sync, ended = GroupSync(disk, 0), list[int]()

    async def write(number: int) -> None:
        sync.dirty = 7
        await sync.wait()
        ended.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(write, number)
        await anyio.wait_all_tasks_blocked()
        assert (disk.done, ended) == ([], [])
        tasks.start_soon(sync.run)
        await write(5)
        tasks.cancel_scope.cancel()
    assert (disk.done, sorted(ended), threading.get_ident() in disk.threads) == (["file 7"], [0, 1, 2, 3, 4, 5], False)


async def test_what_is_written_while_a_group_runs_waits_for_the_next(tmp_path: Path) -> None:
    disk = Recorder()
    sync, ended = GroupSync(disk, 0), list[str]()
    disk.go.clear()

    async def write(name: str) -> None:
        sync.dirty = 7
        await sync.wait()
        ended.append(name)
        assert len(disk.done) == {"first": 1, "second": 2}[name]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sync.run)
        async with anyio.create_task_group() as writers:
            writers.start_soon(write, "first")
            while sync.dirty >= 0 or sync._begun == 0:
                await anyio.lowlevel.checkpoint()
            writers.start_soon(write, "second")
            while sync.dirty < 0:
                await anyio.lowlevel.checkpoint()
            disk.go.set()
        tasks.cancel_scope.cancel()
    assert ended == ["first", "second"]


async def test_sync_that_fails_is_told_until_one_succeeds(tmp_path: Path) -> None:
    disk = Recorder()
    sync = GroupSync(disk, 0)
    disk.fails = True
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sync.run)
        sync.dirty = 7
        await sync.wait()
        assert "cannot be brought to the disk" in (sync.failure or "")
        disk.fails = False
        sync.dirty = 7
        await sync.wait()
        assert sync.failure is None
        tasks.cancel_scope.cancel()


async def test_group_begins_by_itself_at_its_time() -> None:
    disk = Recorder()
    sync = GroupSync(disk, 0.001)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sync.run)
        sync.dirty = 7
        await sync.wait()
        tasks.cancel_scope.cancel()
    assert disk.done == ["file 7"]


def test_files_that_are_done_with_are_synced_before_they_are_closed(tmp_path: Path) -> None:
    disk = Recorder()
    sync = GroupSync(disk, 0.1)
    sync.dirty = 3
    sync.retire(3)
    sync.dirty = 4
    sync.made(tmp_path)
    sync.finish()
    assert disk.done == ["file 3", "file 4", f"folder {tmp_path.name}", "close 3"]


def test_nothing_is_synced_where_that_is_off(tmp_path: Path) -> None:
    disk = Recorder()
    sync = GroupSync(disk, None)
    sync.dirty = 4
    sync.retire(3)
    sync.made(tmp_path)
    sync.finish()
    assert disk.done == ["close 3"]


async def test_nobody_waits_for_a_group_once_syncing_has_ended(tmp_path: Path) -> None:
    sync = GroupSync(Recorder(), 0)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sync.run)
            await sync.wait()
            sync.disk.go.clear()  # type: ignore[attr-defined]
            tasks.start_soon(sync.wait)
            await anyio.wait_all_tasks_blocked()
            sync.disk.go.set()  # type: ignore[attr-defined]
            tasks.cancel_scope.cancel()
        await sync.wait()
