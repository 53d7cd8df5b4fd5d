"""A call and the journal: nothing goes up unnoted, nothing that was used is lost."""

import anyio
import pytest

from support.gateway_parts import Answer, chat_body, deployment, fetch, inbound, make_parts, refused
from support.provider_answers import COST_NANO, good_stream, whole
from tianji_adapters.memory.journal import MemoryJournal
from tianji_core.errors import (
    DependencyUnavailableError,
)
from tianji_core.ports.journal import OpenCall

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class ClosedJournal(MemoryJournal):
    """Cannot be written to when calls begin."""

    async def open(self, call: OpenCall) -> None:
        raise DependencyUnavailableError("the journal cannot be written", code="journal_unavailable")


async def test_call_that_cannot_be_noted_goes_nowhere() -> None:
    parts = make_parts(deployment("a"), deployment("b"), journal=ClosedJournal())
    error = await refused(parts, inbound(), DependencyUnavailableError)
    assert (error.code, parts.event.http_status, parts.transport.sent) == ("journal_unavailable", 503, [])


async def test_call_that_the_journal_refused_does_not_fill_it_further() -> None:
    journal = ClosedJournal()
    await refused(make_parts(journal=journal), inbound(), DependencyUnavailableError)
    assert journal.waiting() == 0


async def test_full_journal_makes_the_answer_wait_and_loses_nothing() -> None:
    parts = make_parts(capacity=1)
    parts.answer("a", whole())
    await fetch(parts)
    second: list[Answer] = []

    async def call() -> None:
        second.append(await fetch(parts))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        assert (second, parts.journal.waiting()) == ([], 1)
        await parts.journal.flushed(1)
    assert second[0].text == "Hello!"
    assert (await parts.row()).call_id == parts.events[1].call_id


async def test_client_that_leaves_while_the_journal_is_full_is_accounted_all_the_same() -> None:
    parts = make_parts(capacity=1)
    parts.answer("a", good_stream("Hi"))
    request = inbound(chat_body(stream=True))
    await fetch(parts, request)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fetch, parts, request)
        await anyio.wait_all_tasks_blocked()
        assert len(parts.events) == 1
        tasks.cancel_scope.cancel()
    assert [row.call_id for row in await parts.rows()] == [event.call_id for event in parts.events]
    assert [event.cost.total_nano for event in parts.events] == [COST_NANO, COST_NANO]


async def test_event_is_written_though_the_journal_fails_at_the_end() -> None:
    class Failing(MemoryJournal):
        async def settle(self, call_id: str, records: object) -> None:
            raise DependencyUnavailableError("no disk")

    parts = make_parts(journal=Failing())
    parts.answer("a", whole())
    with pytest.raises(DependencyUnavailableError):
        await fetch(parts)
    assert parts.event.status == "ok"
