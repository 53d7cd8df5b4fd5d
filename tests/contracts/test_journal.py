"""What every `Journal` must do. A new journal joins with one line in `JOURNALS`."""

from collections.abc import Callable, Sequence

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.stores import call_id_of, record
from tianji_adapters.memory.journal import MemoryJournal
from tianji_core.ports.journal import Journal, OpenCall
from tianji_core.spend.record import SpendRecord

JOURNALS: dict[str, Callable[[int], Journal]] = {"memory": lambda capacity: MemoryJournal(capacity=capacity)}
ROOMY = 1_000


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=JOURNALS)
def make(request: pytest.FixtureRequest) -> Callable[[int], Journal]:
    return JOURNALS[request.param]


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


def names(rows: Sequence[SpendRecord]) -> list[tuple[str, int]]:
    return [(row.call_id, row.seq) for row in rows]


async def settle(journal: Journal, number: int, *, rows: int = 1) -> None:
    await journal.open(open_call(number))
    await journal.settle(call_id_of(number), [record(number, seq=seq) for seq in range(rows)])


@pytest.mark.anyio
async def test_rows_come_out_in_the_order_in_which_they_went_in(make: Callable[[int], Journal]) -> None:
    journal = make(ROOMY)
    for number in (3, 1, 2):
        await settle(journal, number)
    assert journal.waiting() == 3
    assert names(await journal.pending(2)) == [(call_id_of(3), 0), (call_id_of(1), 0)]


@pytest.mark.anyio
async def test_rows_stay_until_they_are_flushed(make: Callable[[int], Journal]) -> None:
    journal = make(ROOMY)
    for number in (1, 2, 3):
        await settle(journal, number)
    assert await journal.pending(2) == await journal.pending(2)
    await journal.flushed(2)
    assert journal.waiting() == 1
    assert names(await journal.pending(10)) == [(call_id_of(3), 0)]


@pytest.mark.anyio
async def test_pending_waits_for_the_first_row(make: Callable[[int], Journal]) -> None:
    journal, got = make(ROOMY), list[SpendRecord]()

    async def take() -> None:
        got.extend(await journal.pending(10))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        await settle(journal, 1)
    assert names(got) == [(call_id_of(1), 0)]


@pytest.mark.anyio
async def test_open_call_is_no_row_yet(make: Callable[[int], Journal]) -> None:
    journal = make(ROOMY)
    await journal.open(open_call(1))
    assert journal.waiting() == 0


@pytest.mark.anyio
async def test_call_that_never_went_upstream_can_be_settled(make: Callable[[int], Journal]) -> None:
    journal = make(ROOMY)
    await journal.settle(call_id_of(1), [record(1)])
    assert journal.waiting() == 1


@pytest.mark.anyio
async def test_full_journal_makes_callers_wait_until_there_is_room(make: Callable[[int], Journal]) -> None:
    journal, settled = make(2), list[int]()

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


@pytest.mark.anyio
async def test_rows_of_one_call_go_in_together(make: Callable[[int], Journal]) -> None:
    journal = make(3)
    await settle(journal, 1, rows=2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: settle(journal, 2, rows=2))
        await anyio.wait_all_tasks_blocked()
        assert journal.waiting() == 2, "one row would fit, two do not"
        await journal.flushed(1)
    assert names(await journal.pending(10)) == [(call_id_of(1), 1), (call_id_of(2), 0), (call_id_of(2), 1)]


@pytest.mark.anyio
async def test_caller_that_is_cancelled_while_it_waits_leaves_its_rows_all_the_same(make: Callable[[int], Journal]) -> None:
    journal = make(1)
    await settle(journal, 1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(settle, journal, 2)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert names(await journal.pending(10)) == [(call_id_of(1), 0), (call_id_of(2), 0)]


@pytest.mark.anyio
async def test_caller_that_is_cancelled_already_leaves_its_rows(make: Callable[[int], Journal]) -> None:
    journal = make(ROOMY)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await journal.settle(call_id_of(1), [record(1)])
    assert journal.waiting() == 1


@settings(max_examples=50, deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=12),
    capacity=st.integers(1, 4),
    batch=st.integers(1, 5),
    name=st.sampled_from(sorted(JOURNALS)),
)
def test_nothing_is_lost_and_nothing_comes_twice(calls: list[tuple[int, bool]], capacity: int, batch: int, name: str) -> None:
    """Callers of which some are cancelled, and one flusher: every row comes out once, those of a call side by side."""
    flushed: list[tuple[str, int]] = []
    expected = sorted((call_id_of(number), seq) for number, (rows, _) in enumerate(calls) for seq in range(rows))

    async def run() -> None:
        journal = JOURNALS[name](capacity)

        async def flush() -> None:
            while True:
                rows = await journal.pending(batch)
                await anyio.lowlevel.checkpoint()
                flushed.extend(names(rows))
                await journal.flushed(len(rows))

        async with anyio.create_task_group() as flusher:
            async with anyio.create_task_group() as tasks:
                scopes = [anyio.CancelScope() for _ in calls]

                async def call(number: int) -> None:
                    with scopes[number]:
                        await settle(journal, number, rows=calls[number][0])

                for number in range(len(calls)):
                    tasks.start_soon(call, number)
                await anyio.wait_all_tasks_blocked()
                for scope, (_, is_cancelled) in zip(scopes, calls, strict=True):
                    if is_cancelled:
                        scope.cancel()
                flusher.start_soon(flush)
            await anyio.wait_all_tasks_blocked()
            assert journal.waiting() == 0
            flusher.cancel_scope.cancel()

    anyio.run(run, backend="trio")
    assert sorted(flushed) == expected
    order = [call for call, seq in flushed if seq == 0]
    assert [call for call, _ in flushed] == [call for call in order for entry in flushed if entry[0] == call]
