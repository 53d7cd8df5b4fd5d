"""From the journal to the ledger: everything once, in order, through every absence of the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import pytest
import trio.testing

from support.stores import call_id_of, record
from tianji_adapters.memory.journal import MemoryJournal
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.flusher import BATCH_ROWS, PAUSE_SECONDS, Flusher
from tianji_core.errors import DependencyUnavailableError
from tianji_core.spend.record import SpendRecord

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@dataclass(slots=True)
class MoodyStore(MemorySpendStore):
    """Is away when told so; notes when it was asked, and with how many rows."""

    is_away: bool = False
    seconds: float = 0.0
    asked: list[tuple[float, int]] = field(default_factory=list)

    async def add(self, records: Sequence[SpendRecord]) -> int:
        self.asked.append((anyio.current_time(), len(records)))
        await anyio.sleep(self.seconds)
        if self.is_away:
            raise DependencyUnavailableError("the database is away")
        return await MemorySpendStore.add(self, records)


async def settle(journal: MemoryJournal, *numbers: int) -> None:
    for number in numbers:
        await journal.settle(call_id_of(number), [record(number)])


async def test_row_is_in_the_ledger_within_a_quarter_of_a_second() -> None:
    journal, store = MemoryJournal(), MoodyStore()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Flusher(journal, store).run)
        await anyio.sleep(10)
        await settle(journal, 1)
        await anyio.wait_all_tasks_blocked()
        assert len(store.ledger) == 1, "the flusher was waiting for it"
        await settle(journal, 2)
        await anyio.sleep(PAUSE_SECONDS)
        await anyio.wait_all_tasks_blocked()
        assert (len(store.ledger), journal.waiting()) == (2, 0)
        tasks.cancel_scope.cancel()


async def test_busy_journal_is_flushed_in_batches_four_times_a_second() -> None:
    journal, store = MemoryJournal(), MoodyStore()
    await settle(journal, *range(BATCH_ROWS + 1))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Flusher(journal, store).run)
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
    assert [count for _, count in store.asked] == [BATCH_ROWS, 1]
    assert store.asked[1][0] - store.asked[0][0] == pytest.approx(PAUSE_SECONDS)


async def test_store_that_is_away_is_asked_later_and_later_and_gets_everything_in_the_end() -> None:
    journal, store = MemoryJournal(), MoodyStore(is_away=True)
    flusher = Flusher(journal, store)
    await settle(journal, 1, 2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(flusher.run)
        await anyio.sleep(60)
        assert (flusher.is_away, journal.waiting()) == (True, 2)
        pauses = [after[0] - before[0] for before, after in zip(store.asked, store.asked[1:], strict=False)]
        assert pauses == sorted(pauses)
        assert pauses[-1] == pytest.approx(5)
        store.is_away = False
        await settle(journal, 3)
        await anyio.sleep(6)
        tasks.cancel_scope.cancel()
    assert (flusher.is_away, journal.waiting()) == (False, 0)
    assert [key[1] for key in store.ledger] == [call_id_of(number) for number in (1, 2, 3)]


async def test_batch_that_has_begun_is_ended_when_the_process_stops() -> None:
    journal, store = MemoryJournal(), MoodyStore(seconds=2)
    await settle(journal, 1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Flusher(journal, store).run)
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
    assert (len(store.ledger), journal.waiting()) == (1, 0)


async def test_drain_stores_what_is_left() -> None:
    journal, store = MemoryJournal(), MoodyStore()
    await settle(journal, *range(3 * BATCH_ROWS))
    assert await Flusher(journal, store).drain(30) == 0
    assert len(store.ledger) == 3 * BATCH_ROWS


async def test_drain_gives_up_in_time_and_says_how_much_is_left() -> None:
    journal, store = MemoryJournal(), MoodyStore(is_away=True)
    await settle(journal, 1, 2)
    began = anyio.current_time()
    assert await Flusher(journal, store).drain(3) == 2
    assert anyio.current_time() - began == pytest.approx(3)


async def test_drain_goes_on_though_the_process_is_being_cancelled() -> None:
    journal, store = MemoryJournal(), MoodyStore(seconds=1)
    await settle(journal, 1)
    with anyio.CancelScope() as scope:
        scope.cancel()
        assert await Flusher(journal, store).drain(30) == 0
    assert len(store.ledger) == 1
