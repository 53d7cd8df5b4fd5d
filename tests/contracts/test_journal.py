"""What every `Journal` must do. A new journal joins with one line in `JOURNALS`."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.journals import file_journal
from support.stores import call_id_of, record
from tianji_adapters.memory.journal import MemoryJournal
from tianji_core.calls.events import EventError
from tianji_core.ports.journal import Attempted, Journal, OpenCall, Progress
from tianji_core.spend.record import SpendRecord

JOURNALS: dict[str, Callable[[Path], Journal]] = {
    "memory": lambda folder: MemoryJournal(),
    "files": file_journal,
    "files, one row in memory": lambda folder: file_journal(folder, memory_rows=1),
    "files of one entry": lambda folder: file_journal(folder, memory_rows=1, segment_bytes=100),
}
Make = Callable[[], Journal]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=JOURNALS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    made: list[Journal] = []

    def make_one() -> Journal:
        made.append(JOURNALS[request.param](tmp_path))
        return made[-1]

    yield make_one
    for journal in made:
        anyio.run(journal.close)


def open_call(number: int) -> OpenCall:
    return OpenCall(
        call_id=call_id_of(number),
        started_at_ns=1,
        key_id=None,
        user_id=None,
        team_id=None,
        end_user_id=None,
        surface="openai_chat",
        model_group="fast",
        deployment_id="a",
        model="gpt-4o",
        input_estimate=0,
        pricing_version="",
    )


def attempted(number: int) -> Attempted:
    return Attempted(call_id=call_id_of(number), at_ns=2, model_group="fast", provider="openai", deployment_id="b", model="gpt-4o")


def names(rows: Sequence[SpendRecord]) -> list[tuple[str, int]]:
    return [(row.call_id, row.seq) for row in rows]


async def settle(journal: Journal, number: int, *, rows: int = 1) -> None:
    await journal.open(open_call(number))
    await journal.settle(call_id_of(number), [record(number, seq=seq) for seq in range(rows)])


@pytest.mark.anyio
async def test_rows_come_out_in_the_order_in_which_they_went_in(make: Make) -> None:
    journal = make()
    for number in (3, 1, 2):
        await settle(journal, number)
    assert journal.waiting() == 3
    assert names(await journal.pending(2)) == [(call_id_of(3), 0), (call_id_of(1), 0)]


@pytest.mark.anyio
async def test_rows_stay_until_they_are_flushed(make: Make) -> None:
    journal = make()
    for number in (1, 2, 3):
        await settle(journal, number)
    assert await journal.pending(2) == await journal.pending(2)
    await journal.flushed(2)
    assert journal.waiting() == 1
    assert names(await journal.pending(10)) == [(call_id_of(3), 0)]


@pytest.mark.anyio
async def test_pending_waits_for_the_first_row(make: Make) -> None:
    journal, got = make(), list[SpendRecord]()

    async def take() -> None:
        got.extend(await journal.pending(10))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        await settle(journal, 1)
    assert names(got) == [(call_id_of(1), 0)]


@pytest.mark.anyio
async def test_open_call_is_no_row_yet(make: Make) -> None:
    journal = make()
    await journal.open(open_call(1))
    assert journal.waiting() == 0


@pytest.mark.anyio
async def test_call_that_never_went_upstream_can_be_settled(make: Make) -> None:
    journal = make()
    await journal.settle(call_id_of(1), [record(1)])
    assert journal.waiting() == 1


@pytest.mark.anyio
async def test_rows_of_one_call_come_side_by_side_and_can_be_flushed_apart(make: Make) -> None:
    journal = make()
    await settle(journal, 1, rows=2)
    await settle(journal, 2, rows=2)
    await journal.flushed(len(await journal.pending(1)))
    assert names(await journal.pending(10)) == [(call_id_of(1), 1), (call_id_of(2), 0), (call_id_of(2), 1)]


@pytest.mark.anyio
async def test_row_comes_out_as_it_went_in(make: Make) -> None:
    journal, row = make(), record(1, nano=7, tags=("a",), metadata={"team": ["b", 1, None]}, error=EventError(type="x", message="y"))
    await journal.settle(call_id_of(1), [row])
    assert await journal.pending(1) == (row,)


@pytest.mark.anyio
async def test_call_of_which_nothing_was_sent_has_no_row(make: Make) -> None:
    journal = make()
    await journal.open(open_call(1))
    journal.void(call_id_of(1))
    assert journal.waiting() == 0


@pytest.mark.anyio
async def test_what_happens_between_opening_and_settling_makes_no_row(make: Make) -> None:
    journal = make()
    await journal.open(open_call(1))
    await journal.attempt(attempted(1))
    journal.progress(Progress(call_id=call_id_of(1), at_ns=3, output_bytes=2_000))
    assert journal.waiting() == 0
    await journal.settle(call_id_of(1), [record(1)])
    assert names(await journal.pending(10)) == [(call_id_of(1), 0)]


@pytest.mark.anyio
async def test_nothing_is_wrong_with_a_journal_that_works(make: Make) -> None:
    journal = make()
    await journal.recover()
    await settle(journal, 1)
    assert journal.degraded is None


@pytest.mark.anyio
async def test_journal_runs_until_it_is_cancelled(make: Make) -> None:
    journal = make()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.run)
        await settle(journal, 1)
        tasks.cancel_scope.cancel()
    assert journal.waiting() == 1


@pytest.mark.anyio
async def test_caller_that_is_cancelled_already_leaves_its_rows(make: Make) -> None:
    journal = make()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await journal.settle(call_id_of(1), [record(1)])
    assert journal.waiting() == 1


@settings(max_examples=50, deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=12),
    batch=st.integers(1, 5),
    name=st.sampled_from(sorted(JOURNALS)),
)
def test_nothing_is_lost_and_nothing_comes_twice(calls: list[tuple[int, bool]], batch: int, name: str) -> None:
    """Callers of which some are cancelled, and one flusher: every row comes out once, those of a call side by side."""
    flushed: list[tuple[str, int]] = []
    expected = sorted((call_id_of(number), seq) for number, (rows, _) in enumerate(calls) for seq in range(rows))

    async def flush(journal: Journal) -> None:
        while True:
            rows = await journal.pending(batch)
            await anyio.lowlevel.checkpoint()
            flushed.extend(names(rows))
            await journal.flushed(len(rows))

    async def call(journal: Journal, number: int, scope: anyio.CancelScope) -> None:
        with scope:
            await settle(journal, number, rows=calls[number][0])

    async def run(folder: str) -> None:
        journal = JOURNALS[name](Path(folder))
        async with anyio.create_task_group() as flusher:
            flusher.start_soon(flush, journal)
            async with anyio.create_task_group() as tasks:
                for number, (_, is_cancelled) in enumerate(calls):
                    scope = anyio.CancelScope()
                    tasks.start_soon(call, journal, number, scope)
                    if is_cancelled:
                        scope.cancel()
            while journal.waiting():
                await anyio.lowlevel.checkpoint()
            flusher.cancel_scope.cancel()
        await journal.close()

    with TemporaryDirectory() as folder:
        anyio.run(run, folder, backend="trio")
    assert sorted(flushed) == expected
    order = [call for call, seq in flushed if seq == 0]
    assert [call for call, _ in flushed] == [call for call in order for entry in flushed if entry[0] == call]
