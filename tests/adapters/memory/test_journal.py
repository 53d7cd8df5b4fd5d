"""What only the journal in memory does; the rest is in the contract."""

import pytest

from support.stores import call_id_of, record
from tianji_adapters.memory.journal import MemoryJournal

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


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
