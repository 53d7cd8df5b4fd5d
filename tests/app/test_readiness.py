"""Whether this process should get traffic."""

from pathlib import Path

import anyio
import pytest
import trio.testing

from support.gateway_parts import PRICES, deployment, snapshot_of
from support.stores import call_id_of, record
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.memory.database import MemoryDatabase
from tianji_adapters.memory.journal import MemoryJournal
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.configuration import ConfigurationSource
from tianji_app.flusher import Flusher
from tianji_app.options import options_of
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.readiness import CheckReadiness
from tianji_app.use_cases.reload import Reload
from tianji_core.errors import DependencyUnavailableError
from tianji_core.ports.database import Database
from tianji_core.ports.journal import Journal
from tianji_core.routing.cooldown import Cooldown

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class AwayDatabase(MemoryDatabase):
    """Does not answer."""

    async def ping(self) -> None:
        raise DependencyUnavailableError("away")


class SilentDatabase(MemoryDatabase):
    """Never answers."""

    async def ping(self) -> None:
        await anyio.sleep_forever()


def readiness_of(database: Database, journal: Journal | None = None) -> CheckReadiness:
    snapshot = snapshot_of([deployment("a")], digest="d1")
    holder, cooldown = SnapshotHolder(snapshot), Cooldown(snapshot.config.router)
    cooldown.replace(snapshot.config.router, snapshot.config.deployments)
    reload = Reload(ConfigurationSource(options_of({}), {}), holder, cooldown)
    return CheckReadiness(
        database,
        holder,
        cooldown,
        FixedClock(),
        Flusher(journal or MemoryJournal(), MemorySpendStore(), MemoryCounters(FixedClock()), FixedClock()),
        reload,
    )


async def test_process_whose_database_answers_is_healthy() -> None:
    state = await readiness_of(MemoryDatabase())()
    assert (state.ready, state.status, state.database) == (True, "healthy", "connected")


async def test_process_without_its_database_is_degraded_and_still_serves() -> None:
    state = await readiness_of(AwayDatabase())()
    assert (state.ready, state.status, state.database) == (True, "degraded", "disconnected")


class FullJournal(MemoryJournal):
    """Stands on a disk that is full."""

    degraded = "the disk is full"


class RefusingJournal(MemoryJournal):
    """Lets no call begin."""

    takes_calls = False


async def test_process_whose_journal_takes_no_calls_is_not_ready() -> None:
    state = await readiness_of(MemoryDatabase(), RefusingJournal())()
    assert not state.ready


async def test_process_whose_journal_cannot_be_written_is_degraded_and_says_why() -> None:
    state = await readiness_of(MemoryDatabase(), FullJournal())()
    assert (state.ready, state.status, state.database, state.details["spend"]) == (True, "degraded", "connected", "the disk is full")


async def test_database_that_never_answers_is_waited_for_two_seconds() -> None:
    began = anyio.current_time()
    state = await readiness_of(SilentDatabase())()
    assert state.database == "disconnected"
    assert anyio.current_time() - began == pytest.approx(2)


async def test_process_that_stops_wants_no_traffic() -> None:
    readiness = readiness_of(MemoryDatabase())
    readiness.is_draining = True
    state = await readiness()
    assert (state.ready, state.status) == (False, "shutting_down")


async def test_details_tell_what_an_operator_wants_to_know(tmp_path: Path) -> None:
    readiness = readiness_of(MemoryDatabase())
    readiness.reload.last_error = "config.yaml:3: no"
    await readiness.flusher.journal.settle(call_id_of(1), [record(1)])
    ticket = readiness.cooldown.begin(deployment("a"), now=readiness.clock.monotonic())
    assert ticket is not None
    readiness.cooldown.failed(ticket, "authentication", retry_after=None, now=readiness.clock.monotonic())
    details = (await readiness()).details
    assert details["configuration"] == {"digest": "d1", "last_reload_error": "config.yaml:3: no"}
    assert details["prices"] == {"version": snapshot_of([], prices=PRICES).prices.version, "date": "2026-01-01"}
    assert (details["resting_deployments"], details["unflushed_spend_rows"]) == (["a"], 1)
