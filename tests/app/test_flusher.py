"""From the journal to the ledger: everything once, in order, through every absence of the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import pytest
import structlog
import trio.testing

from support.gateway_parts import FlowClock
from support.stores import call_id_of, record
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.memory.journal import MemoryJournal
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.flusher import BATCH_ROWS, PAUSE_SECONDS, Flusher
from tianji_core.errors import ConflictError, DependencyUnavailableError
from tianji_core.ports.journal import Journal
from tianji_core.ports.spend_store import SpendStore
from tianji_core.spend.record import SpendRecord

pytestmark = pytest.mark.anyio


def make_flusher(journal: Journal, store: SpendStore) -> Flusher:
    """Return a flusher that tells counters of its own what is stored."""
    clock = FlowClock()
    return Flusher(journal, store, MemoryCounters(clock), clock)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@dataclass(slots=True)
class MoodyStore(MemorySpendStore):
    """Is away when told so, and does not take some calls; notes when it was asked, and with how many rows."""

    is_away: bool = False
    refuses: dict[str, Exception] = field(default_factory=dict)
    seconds: float = 0.0
    asked: list[tuple[float, int]] = field(default_factory=list)

    async def add(self, records: Sequence[SpendRecord]) -> int:
        self.asked.append((anyio.current_time(), len(records)))
        await anyio.sleep(self.seconds)
        if self.is_away:
            raise DependencyUnavailableError("the database is away")
        for row in records:
            if row.call_id in self.refuses:
                raise self.refuses[row.call_id]
        return await MemorySpendStore.add(self, records)


async def settle(journal: MemoryJournal, *numbers: int) -> None:
    for number in numbers:
        await journal.settle(call_id_of(number), [record(number)])


def stored(store: MoodyStore) -> list[str]:
    return [call_id for _, call_id, _ in store.ledger]


async def test_row_is_in_the_ledger_within_a_quarter_of_a_second() -> None:
    journal, store = MemoryJournal(), MoodyStore()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make_flusher(journal, store).run)
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
        tasks.start_soon(make_flusher(journal, store).run)
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
    assert [count for _, count in store.asked] == [BATCH_ROWS, 1]
    assert store.asked[1][0] - store.asked[0][0] == pytest.approx(PAUSE_SECONDS)


async def test_store_that_is_away_is_asked_later_and_later_and_gets_everything_in_the_end() -> None:
    journal, store = MemoryJournal(), MoodyStore(is_away=True)
    flusher = make_flusher(journal, store)
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
        tasks.start_soon(make_flusher(journal, store).run)
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
    assert (len(store.ledger), journal.waiting()) == (1, 0)


async def test_drain_stores_what_is_left() -> None:
    journal, store = MemoryJournal(), MoodyStore()
    await settle(journal, *range(3 * BATCH_ROWS))
    assert await make_flusher(journal, store).drain(30) == 0
    assert len(store.ledger) == 3 * BATCH_ROWS


async def test_drain_gives_up_in_time_and_says_how_much_is_left() -> None:
    journal, store = MemoryJournal(), MoodyStore(is_away=True)
    await settle(journal, 1, 2)
    began = anyio.current_time()
    assert await make_flusher(journal, store).drain(3) == 2
    assert anyio.current_time() - began == pytest.approx(3)


async def test_drain_goes_on_though_the_process_is_being_cancelled() -> None:
    journal, store = MemoryJournal(), MoodyStore(seconds=1)
    await settle(journal, 1)
    with anyio.CancelScope() as scope:
        scope.cancel()
        assert await make_flusher(journal, store).drain(30) == 0
    assert len(store.ledger) == 1


@pytest.mark.promise("booked-once")
@pytest.mark.parametrize(
    "failure", [ConflictError("no"), TypeError("a bug"), OverflowError("too large")], ids=lambda error: type(error).__name__
)
async def test_call_that_the_store_refuses_holds_up_no_other_and_waits_in_the_journal(failure: Exception) -> None:
    journal, bad = MemoryJournal(), call_id_of(2)
    store = MoodyStore(refuses={bad: failure})
    flusher = make_flusher(journal, store)
    await settle(journal, 1)
    await journal.settle(bad, [record(2), record(2, seq=1)])
    await settle(journal, 3)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(flusher.run)
        await anyio.wait_all_tasks_blocked()
        assert stored(store) == [call_id_of(1), call_id_of(3)]
        assert [(row.call_id, row.seq) for row in await journal.pending(10)] == [(bad, 0), (bad, 1)]
        await settle(journal, 4)
        await anyio.sleep(PAUSE_SECONDS)
        await anyio.wait_all_tasks_blocked()
        assert stored(store)[-1] == call_id_of(4), "later calls do not wait either"
        assert (journal.waiting(), flusher.refused_rows, flusher.is_away) == (2, 2, False)
        assert flusher.degraded == f"the database refuses 2 rows of spend ({type(failure).__name__}); they wait in the journal"
        store.refuses.clear()
        await anyio.sleep(3)
        tasks.cancel_scope.cancel()
    assert (len(store.ledger), journal.waiting(), flusher.refused_rows, flusher.degraded) == (5, 0, 0, None)


async def test_refused_call_is_tried_later_and_later_by_itself() -> None:
    journal, bad = MemoryJournal(), call_id_of(1)
    store = MoodyStore(refuses={bad: ConflictError("no")})
    await settle(journal, 1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make_flusher(journal, store).run)
        await anyio.sleep(3600)
        tasks.cancel_scope.cancel()
    pauses = [after[0] - before[0] for before, after in zip(store.asked, store.asked[1:], strict=False)]
    assert pauses[0] == pytest.approx(1, abs=PAUSE_SECONDS)
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(300, abs=PAUSE_SECONDS)


async def test_refusal_is_told_once_with_its_call_and_its_kind_only() -> None:
    journal, bad = MemoryJournal(), call_id_of(1)
    store = MoodyStore(refuses={bad: ConflictError("key sk-secret-word")})
    await settle(journal, 1)
    with structlog.testing.capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(make_flusher(journal, store).run)
            await anyio.sleep(100)
            tasks.cancel_scope.cancel()
    assert [(entry["log_level"], entry["call_id"], entry["error"], entry["rows"]) for entry in logs] == [("error", bad, "ConflictError", 1)]
    assert "secret-word" not in str(logs)


async def test_refused_calls_fill_no_batch() -> None:
    journal = MemoryJournal()
    store = MoodyStore(refuses={call_id_of(number): ConflictError("no") for number in range(BATCH_ROWS)})
    await settle(journal, *range(BATCH_ROWS + 1))
    flusher = make_flusher(journal, store)
    for _ in range(2):
        assert await flusher.flush_once()
    assert stored(store) == [call_id_of(BATCH_ROWS)]
    assert (journal.waiting(), flusher.refused_rows) == (BATCH_ROWS, BATCH_ROWS)


async def test_refused_call_is_put_to_the_end_of_a_journal_that_is_full() -> None:
    journal, bad = MemoryJournal(capacity=2), call_id_of(1)
    store = MoodyStore(refuses={bad: ConflictError("no")})
    await settle(journal, 1, 2)
    with anyio.fail_after(5):
        assert await make_flusher(journal, store).flush_once()
    assert [row.call_id for row in await journal.pending(10)] == [bad]


async def test_store_that_goes_away_between_single_calls_gets_everything_in_the_end() -> None:
    journal, bad = MemoryJournal(), call_id_of(1)
    store = MoodyStore(refuses={bad: ConflictError("no"), call_id_of(3): DependencyUnavailableError("away")})
    await settle(journal, 1, 2, 3)
    flusher = make_flusher(journal, store)
    assert not await flusher.flush_once()
    assert (flusher.is_away, journal.waiting()) == (True, 3)
    del store.refuses[call_id_of(3)]
    assert await flusher.flush_once()
    assert (stored(store), journal.waiting()) == ([call_id_of(2), call_id_of(3)], 1)


async def test_drain_tries_refused_calls_once_more_and_does_not_wait_for_them() -> None:
    journal = MemoryJournal()
    store = MoodyStore(refuses={call_id_of(number): ConflictError("no") for number in (1, 2)})
    flusher = make_flusher(journal, store)
    await settle(journal, 1, 2)
    assert await flusher.flush_once()
    del store.refuses[call_id_of(2)]
    await settle(journal, 3)
    began = anyio.current_time()
    assert await flusher.drain(30) == 1
    assert anyio.current_time() - began < 1
    assert stored(store) == [call_id_of(3), call_id_of(2)]
