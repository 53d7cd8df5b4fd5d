"""What only the journal in memory does; the rest is in the contract."""

from collections.abc import Sequence

import anyio
import pytest

from support.stores import call_id_of, record
from tianji_adapters.memory.journal import MemoryJournal
from tianji_core.spend.record import SpendRecord

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def settle(journal: MemoryJournal, number: int, *, rows: int = 1) -> None:
    await journal.settle(call_id_of(number), [record(number, seq=seq) for seq in range(rows)])


def names(rows: Sequence[SpendRecord]) -> list[tuple[str, int]]:
    return [(row.call_id, row.seq) for row in rows]


async def test_full_journal_makes_callers_wait_until_there_is_room() -> None:
    journal, settled = MemoryJournal(capacity=2), list[int]()

    async def call(number: int) -> None:
        await settle(journal, number)
        settled.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(call, number)
        await anyio.wait_all_tasks_blocked()
        assert (len(settled), journal.waiting()) == (2, 2)
        await journal.flushed(1)
        await anyio.wait_all_tasks_blocked()
        assert (len(settled), journal.waiting()) == (3, 2)
        await journal.flushed(2)
    assert (sorted(settled), journal.waiting()) == ([0, 1, 2, 3], 1)


async def test_rows_of_one_call_go_in_together() -> None:
    journal = MemoryJournal(capacity=3)
    await settle(journal, 1, rows=2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: settle(journal, 2, rows=2))
        await anyio.wait_all_tasks_blocked()
        assert journal.waiting() == 2, "one row would fit, two do not"
        await journal.flushed(1)
    assert names(await journal.pending(10)) == [(call_id_of(1), 1), (call_id_of(2), 0), (call_id_of(2), 1)]


async def test_caller_that_is_cancelled_while_it_waits_leaves_its_rows_all_the_same() -> None:
    journal = MemoryJournal(capacity=1)
    await settle(journal, 1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(settle, journal, 2)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert names(await journal.pending(10)) == [(call_id_of(1), 0), (call_id_of(2), 0)]


async def test_call_with_more_rows_than_fit_goes_in_when_nothing_else_waits() -> None:
    journal = MemoryJournal(capacity=1)
    await journal.settle(call_id_of(1), [record(1, seq=seq) for seq in range(3)])
    assert journal.waiting() == 3


async def test_journal_can_be_made_before_the_loop_runs() -> None:
    """The container is built outside of any task."""
    assert _MADE_EARLY.waiting() == 0
    await _MADE_EARLY.settle(call_id_of(1), [record(1)])
    await _MADE_EARLY.flushed(1)
    assert _MADE_EARLY.waiting() == 0


_MADE_EARLY = MemoryJournal()
