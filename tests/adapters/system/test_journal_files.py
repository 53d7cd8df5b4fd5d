"""What only the journal on disk does: it survives, it fails, it tidies up."""

import errno
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.journals import FaultyDisk, die, file_journal, journal_folders, segment_files
from support.stores import call_id_of, record
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.system.journal_files import FileJournal
from tianji_core.calls.usage import Usage
from tianji_core.errors import ConfigurationError, DependencyUnavailableError
from tianji_core.ports.journal import Attempted, OpenCall, Progress
from tianji_core.spend.record import SpendRecord

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(number: int, *, started_at_ns: int = 1, reserved_nano: int | None = None) -> OpenCall:
    return OpenCall(
        call_id=call_id_of(number),
        started_at_ns=started_at_ns,
        key_id=None,
        user_id=None,
        team_id=None,
        end_user_id=None,
        surface="openai.chat",
        model_group="fast",
        deployment_id="a",
        model="gpt-5-nano",
        input_estimate=100,
        reserved_nano=reserved_nano,
        pricing_version="",
    )


async def settle(journal: FileJournal, number: int, *, rows: int = 1) -> None:
    await journal.settle(call_id_of(number), [record(number, seq=seq) for seq in range(rows)])


async def call(journal: FileJournal, number: int) -> None:
    await journal.open(opened(number))
    await settle(journal, number)


def calls(rows: Sequence[SpendRecord]) -> list[tuple[str, str]]:
    return [(row.call_id, row.event.status) for row in rows]


async def everything(journal: FileJournal, batch: int = 500) -> list[tuple[str, str]]:
    """Flush all there is, and return it."""
    found: list[tuple[str, str]] = []
    while journal.waiting():
        rows = await journal.pending(batch)
        await journal.flushed(len(rows))
        found += calls(rows)
    return found


async def test_rows_of_a_killed_process_are_taken_over_and_its_folder_goes_when_they_are_flushed(tmp_path: Path) -> None:
    dead = file_journal(tmp_path)
    for number in (1, 2):
        await call(dead, number)
    die(dead)
    journal = file_journal(tmp_path)
    await journal.recover()
    rows = await journal.pending(10)
    assert (calls(rows), journal.waiting()) == ([(call_id_of(1), "ok"), (call_id_of(2), "ok")], 2)
    assert set(journal_folders(tmp_path)) == {dead.name, journal.name}
    await journal.flushed(1)
    assert set(journal_folders(tmp_path)) == {dead.name, journal.name}
    await journal.flushed(1)
    assert (set(journal_folders(tmp_path)), journal.degraded) == ({journal.name}, None)


async def test_call_that_was_open_at_the_kill_is_one_interrupted_row(tmp_path: Path) -> None:
    dead = file_journal(tmp_path)
    await dead.open(opened(1))
    dead.progress(Progress(call_id=call_id_of(1), at_ns=5, output_bytes=80))
    await dead.open(opened(2))
    dead.void(call_id_of(2))
    await call(dead, 3)
    die(dead)
    journal = file_journal(tmp_path)
    await journal.recover()
    rows = await journal.pending(10)
    assert sorted(calls(rows)) == [(call_id_of(1), "interrupted"), (call_id_of(3), "ok")]
    assert [row.usage for row in rows if row.event.status == "interrupted"] == [Usage(input_text=100, output_text=20)]


async def test_later_attempt_is_what_an_interrupted_call_is_priced_by(tmp_path: Path) -> None:
    dead = file_journal(tmp_path)
    await dead.open(opened(1))
    bill = (record(1, seq=1),)
    await dead.attempt(Attempted(call_id=call_id_of(1), at_ns=2, model_group="g", provider="p", deployment_id="b", model="m", billed=bill))
    die(dead)
    journal = file_journal(tmp_path)
    await journal.recover()
    rows = await journal.pending(9)
    assert ([row.seq for row in rows], rows[0].event.deployment_id) == ([0, 1], "b")


async def test_what_was_flushed_before_the_kill_does_not_come_again(tmp_path: Path) -> None:
    dead = file_journal(tmp_path)
    for number in range(5):
        await call(dead, number)
    await dead.flushed(len(await dead.pending(3)))
    die(dead)
    journal = file_journal(tmp_path)
    await journal.recover()
    assert [row for row, _ in await everything(journal)] == [call_id_of(3), call_id_of(4)]


async def test_folder_of_a_process_that_lives_is_left_alone(tmp_path: Path) -> None:
    alive, journal = file_journal(tmp_path), file_journal(tmp_path)
    await call(alive, 1)
    await journal.recover()
    assert (journal.waiting(), alive.waiting()) == (0, 1)


async def test_two_that_come_at_once_take_a_folder_over_once(tmp_path: Path) -> None:
    dead = file_journal(tmp_path)
    await call(dead, 1)
    die(dead)
    first, second = file_journal(tmp_path), file_journal(tmp_path)
    async with anyio.create_task_group() as tasks:
        for journal in (first, second):
            tasks.start_soon(journal.recover)
    assert sorted((first.waiting(), second.waiting())) == [0, 1]


async def test_adopter_that_dies_leaves_the_folder_to_the_next(tmp_path: Path) -> None:
    dead, adopter = file_journal(tmp_path), None
    await call(dead, 1)
    die(dead)
    adopter = file_journal(tmp_path)
    await adopter.recover()
    await adopter.pending(1)
    await adopter.close()
    journal = file_journal(tmp_path)
    await journal.recover()
    assert await everything(journal) == [(call_id_of(1), "ok")]


async def test_folder_is_deleted_at_the_close_when_nothing_is_left(tmp_path: Path) -> None:
    journal = file_journal(tmp_path)
    await call(journal, 1)
    await everything(journal)
    await journal.close()
    assert list(journal_folders(tmp_path)) == []


async def test_folder_stays_at_the_close_while_something_is_left(tmp_path: Path) -> None:
    journal = file_journal(tmp_path)
    await journal.open(opened(1))
    await journal.close()
    assert list(journal_folders(tmp_path)) == [journal.name]


async def test_start_in_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as refused:
        file_journal(tmp_path / "file" / "journal")
    assert str(tmp_path / "file" / "journal") in refused.value.message


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
async def test_start_on_a_disk_that_takes_nothing_is_refused(tmp_path: Path, code: int) -> None:
    disk = FaultyDisk()
    disk.broken = code
    with pytest.raises(ConfigurationError, match="cannot be written"):
        file_journal(tmp_path, disk=disk)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
async def test_call_that_cannot_be_noted_is_refused_until_the_disk_is_back(tmp_path: Path, code: int) -> None:
    disk = FaultyDisk()
    journal = file_journal(tmp_path, disk=disk)
    disk.broken = code
    for note in (journal.open(opened(1)), journal.attempt(attempted(1))):
        with pytest.raises(DependencyUnavailableError) as refused:
            await note
        assert refused.value.code == "journal_unavailable"
    assert str(tmp_path) in (journal.degraded or "")
    disk.broken = None
    await call(journal, 2)
    assert (journal.degraded, calls(await journal.pending(9))) == (None, [(call_id_of(2), "ok")])


@pytest.mark.parametrize("part", ["write", "sync"])
async def test_disk_that_is_well_again_is_noticed_without_a_call(tmp_path: Path, part: str) -> None:
    disk = FaultyDisk()
    journal = file_journal(tmp_path, disk=disk)
    assert journal.takes_calls
    disk.broken = errno.EIO
    if part == "write":
        with pytest.raises(DependencyUnavailableError):
            await journal.open(opened(1))
        assert not journal.takes_calls
    journal.sync.finish()
    for _ in range(2):
        journal.keep_house()
        assert journal.degraded
    disk.broken = None
    journal.keep_house()
    journal.sync.finish()
    assert (journal.degraded, journal.takes_calls) == (None, True)
    await call(journal, 2)
    assert calls(await journal.pending(9)) == [(call_id_of(2), "ok")]


async def test_journal_that_was_full_takes_calls_as_soon_as_the_ledger_has_everything(tmp_path: Path) -> None:
    clock = FixedClock()
    journal = file_journal(tmp_path, clock=clock, max_bytes=2_000)
    with pytest.raises(DependencyUnavailableError):
        for number in range(100):
            await call(journal, number)
    assert not journal.takes_calls
    await everything(journal)
    clock.advance(1.0)
    journal.keep_house()
    journal.keep_house()
    assert journal.takes_calls


def attempted(number: int) -> Attempted:
    return Attempted(call_id=call_id_of(number), at_ns=2, model_group="g", provider="p", deployment_id="b", model="m")


async def test_settlement_that_cannot_be_written_goes_to_the_ledger_from_memory(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = file_journal(tmp_path, disk=disk)
    await journal.open(opened(1))
    disk.broken = errno.EIO
    await settle(journal, 1)
    assert "1 settled rows are in memory only" in (journal.degraded or "")
    assert await everything(journal) == [(call_id_of(1), "ok")]
    assert "in memory only" not in (journal.degraded or "")
    disk.broken = None
    journal.keep_house()
    await call(journal, 2)
    assert journal.degraded is None


async def test_settlement_that_could_not_be_written_is_written_when_the_disk_is_back(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = file_journal(tmp_path, disk=disk)
    await journal.open(opened(1))
    disk.room = 10
    await settle(journal, 1)
    assert "in memory only" in (journal.degraded or "")
    disk.room = None
    journal.keep_house()
    assert (journal.degraded, journal.waiting()) == (None, 1)
    die(journal)
    after = file_journal(tmp_path)
    await after.recover()
    assert (await everything(after), after.degraded) == ([(call_id_of(1), "ok")], None)


async def test_callers_wait_when_too_much_is_in_memory_only(tmp_path: Path) -> None:
    disk, settled = FaultyDisk(), list[int]()
    journal = file_journal(tmp_path, disk=disk, memory_rows=2)
    disk.broken = errno.EIO

    async def one(number: int) -> None:
        await settle(journal, number)
        settled.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(one, number)
        await anyio.wait_all_tasks_blocked()
        assert (len(settled), journal.waiting()) == (2, 4)
        await journal.flushed(2)
    assert (len(settled), len(await everything(journal))) == (4, 2)


async def test_disk_that_comes_back_lets_waiting_callers_go(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = file_journal(tmp_path, disk=disk, memory_rows=0)
    disk.broken = errno.EIO
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(settle, journal, 1)
        await anyio.wait_all_tasks_blocked()
        disk.broken = None
        journal.keep_house()
    assert await everything(journal) == [(call_id_of(1), "ok")]


async def test_row_that_no_file_can_hold_is_booked_all_the_same(tmp_path: Path) -> None:
    journal = file_journal(tmp_path)
    rows = [record(1, seq=seq, user_agent="\U0001f600" * 300, tags=tuple("x" * 999 for _ in range(9))) for seq in range(1_000)]
    await journal.open(opened(1))
    await journal.settle(call_id_of(1), rows)
    assert journal.waiting() == 1_000
    await journal.flushed(len(await journal.pending(1_000)))
    assert journal.writer.segments.is_done


async def test_row_with_what_messagepack_cannot_carry_is_written_without_it(tmp_path: Path) -> None:
    dead = file_journal(tmp_path)
    await dead.settle(call_id_of(1), [record(1, metadata={"big": 2**70})])
    die(dead)
    journal = file_journal(tmp_path)
    await journal.recover()
    assert [dict(row.event.metadata) for row in await journal.pending(1)] == [{}]


async def test_segments_go_when_all_in_them_is_flushed_and_none_is_open(tmp_path: Path) -> None:
    journal = file_journal(tmp_path, segment_bytes=1)
    await journal.open(opened(0))
    for number in (1, 2, 3):
        await settle(journal, number)
    assert len(segment_files(journal)) == 4
    await everything(journal)
    assert len(segment_files(journal)) == 5, "the first call is open, and what came after it stays for it"
    await settle(journal, 0)
    await everything(journal)
    assert len(segment_files(journal)) == 1


async def test_call_that_is_open_for_long_is_noted_again_so_that_its_segment_can_go(tmp_path: Path) -> None:
    clock = FixedClock()
    journal = file_journal(tmp_path, clock=clock)
    await journal.open(opened(1, started_at_ns=clock.now_ns()))
    journal.progress(Progress(call_id=call_id_of(1), at_ns=5, output_bytes=80))
    await call(journal, 2)
    await everything(journal)
    clock.advance(301)
    journal.keep_house()
    assert [path.name for path in segment_files(journal)] == ["00000001.seg", "00000002.seg"]
    clock.advance(300)
    journal.keep_house()
    journal.keep_house()
    assert [path.name for path in segment_files(journal)] == ["00000002.seg"]
    die(journal)
    after = file_journal(tmp_path)
    await after.recover()
    assert [row.usage.output_text for row in await after.pending(9)] == [20]


async def test_empty_segment_does_not_rotate(tmp_path: Path) -> None:
    clock = FixedClock()
    journal = file_journal(tmp_path, clock=clock)
    clock.advance(10_000)
    journal.keep_house()
    assert [path.name for path in segment_files(journal)] == ["00000001.seg"]


async def test_calls_are_refused_while_the_journal_is_larger_than_it_may_be(tmp_path: Path) -> None:
    journal = file_journal(tmp_path, max_bytes=2_000, segment_bytes=500)
    with pytest.raises(DependencyUnavailableError, match="that the database does not have yet"):
        for number in range(100):
            await call(journal, number)
    assert "MiB" in (journal.degraded or "")
    await everything(journal)
    await call(journal, 200)
    assert journal.degraded is None


async def test_folders_that_were_taken_over_count_for_the_limit(tmp_path: Path) -> None:
    dead = file_journal(tmp_path)
    for number in range(20):
        await call(dead, number)
    die(dead)
    journal = file_journal(tmp_path, max_bytes=2_000)
    await journal.recover()
    with pytest.raises(DependencyUnavailableError):
        await journal.open(opened(50))
    await everything(journal)
    await journal.open(opened(50))


async def test_little_space_is_told_while_it_lasts(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = file_journal(tmp_path, disk=disk)
    disk.free = 63 << 20
    journal.keep_house()
    assert "63 MiB" in (journal.degraded or "")
    disk.free = 64 << 20
    journal.keep_house()
    assert journal.degraded is None


async def test_rows_beyond_the_bound_are_read_again_in_order(tmp_path: Path) -> None:
    journal = file_journal(tmp_path, memory_rows=3, segment_bytes=2_000)
    for number in range(50):
        await call(journal, number)
    assert (journal.rows.ready_rows, journal.waiting()) == (3, 50)
    assert [row for row, _ in await everything(journal, batch=7)] == [call_id_of(number) for number in range(50)]
    assert (len(segment_files(journal)), journal.degraded, journal.rows.spilled) == (1, None, None)


async def written_late(root: Path) -> FileJournal:
    """Return a journal with one row in memory, one in the file only, and one in memory that was written after that."""
    disk = FaultyDisk()
    journal = file_journal(root, disk=disk, memory_rows=1)
    for number in (1, 2):
        await settle(journal, number)
    disk.broken = errno.EIO
    with anyio.CancelScope() as scope:
        scope.cancel()
        await settle(journal, 3)
    disk.broken = None
    journal.keep_house()
    return journal


async def test_row_that_was_written_late_comes_once(tmp_path: Path) -> None:
    journal = await written_late(tmp_path)
    assert (journal.waiting(), journal.degraded) == (3, None)
    assert [row for row, _ in await everything(journal, batch=1)] == [call_id_of(number) for number in (1, 3, 2)]
    await journal.close()
    assert list(journal_folders(tmp_path)) == []


async def test_row_that_was_written_late_does_not_hide_those_before_it(tmp_path: Path) -> None:
    journal = await written_late(tmp_path)
    await journal.flushed(2)
    die(journal)
    after = file_journal(tmp_path)
    await after.recover()
    assert (call_id_of(2), "ok") in await everything(after)


async def test_files_that_cannot_be_read_again_are_told_and_do_not_stop_the_ledger(tmp_path: Path) -> None:
    journal = file_journal(tmp_path, memory_rows=1)
    for number in range(3):
        await call(journal, number)
    (path,) = segment_files(journal)
    path.write_bytes(bytes(path.stat().st_size))
    assert await everything(journal) == [(call_id_of(0), "ok")]
    assert "damaged" in (journal.degraded or "")


async def test_answer_waits_for_the_disk_itself_where_that_is_wanted(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = file_journal(tmp_path, disk=disk, sync_interval_seconds=0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(settle, journal, 1)
        await anyio.wait_all_tasks_blocked()
        assert (disk.synced, journal.waiting()) == (0, 1)
        tasks.start_soon(journal.run)
        await settle(journal, 2)
        assert disk.synced > 0
        tasks.cancel_scope.cancel()


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["open", "settle", "flush", "full", "broken", "well"]), st.integers(0, 5), st.integers(0, 900)),
        max_size=30,
    ),
    memory_rows=st.sampled_from([1, 3, 100]),
)
def test_disk_that_comes_and_goes_loses_nothing_and_doubles_nothing(steps: list[tuple[str, int, int]], memory_rows: int) -> None:
    """After a last good moment the process is killed: what was answered is there once, what was open is interrupted."""
    settled, flushed, running = list[str](), list[str](), set[str]()

    async def run(folder: str) -> None:
        disk = FaultyDisk()
        journal = file_journal(Path(folder), disk=disk, memory_rows=memory_rows, segment_bytes=1_500)
        number = 0
        for action, choice, amount in steps:
            match action:
                case "open":
                    number += 1
                    try:
                        await journal.open(opened(number))
                    except DependencyUnavailableError:
                        continue
                    running.add(call_id_of(number))
                case "settle" if running:
                    call_id = sorted(running)[choice % len(running)]
                    running.discard(call_id)
                    settled.append(call_id)
                    with anyio.CancelScope() as scope:
                        scope.cancel()
                        await journal.settle(call_id, [record(int(call_id.replace("-", "")[:12], 16) - _FIRST)])
                case "flush" if journal.waiting():
                    rows = await journal.pending(1 + choice)
                    await journal.flushed(len(rows))
                    flushed.extend(row.call_id for row in rows)
                case "full":
                    disk.room = amount
                case "broken":
                    disk.broken = errno.EIO
                case "well":
                    disk.room = disk.broken = None
        disk.room = disk.broken = None
        journal.keep_house()
        assert journal.waiting() == len(settled) - len(flushed)
        die(journal)
        after = file_journal(Path(folder), memory_rows=memory_rows)
        await after.recover()
        left = await everything(after, batch=4)
        assert len(set(flushed)) == len(flushed)
        assert len({row for row, _ in left}) == len(left)
        ok = {row for row, status in left if status == "ok"}
        interrupted = {row for row, status in left if status == "interrupted"}
        assert set(settled) - set(flushed) <= ok <= set(settled)
        assert running <= interrupted <= running | set(flushed), "one that is flushed already is known to the ledger by its key"
        assert list(journal_folders(Path(folder))) == [after.name]
        await after.close()

    with TemporaryDirectory() as folder:
        anyio.run(run, folder)


_FIRST = int(call_id_of(0).replace("-", "")[:12], 16)
