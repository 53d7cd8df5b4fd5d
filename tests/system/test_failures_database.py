"""The database is slow, gone, silent or senseless: known keys notice nothing, and what they spend lands when it is back."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from sqlalchemy import make_url

from support import postgres
from support.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.figures import FIGURE
from support.house import COST_NANO, House, models, running_house
from support.ledger import eventually
from support.own_postgres import OwnPostgres, running_own_postgres
from support.postgres import PostgresServer

CALLS = 12
PATIENCE_SECONDS = 4.0
"""For a dozen calls that ask a provider which answers at once, on a machine that has other things to do as well."""

HEALING_SECONDS = 40.0
SHORT_SECONDS = 10.0
LONG_SECONDS = float(os.environ.get("TIANJI_OUTAGE_SECONDS", "60"))
CALLERS = 4
LINES_OF_AN_OUTAGE = 20
MOST_GROWN_BYTES = 32 << 20


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@dataclass(slots=True)
class Database:
    """A database behind a proxy."""

    direct_url: str
    proxy: FaultyProxy

    def booked(self) -> list[tuple[str, int]]:
        """Return call and cost of every row of the ledger."""
        return _booked(self.direct_url)


def _booked(url: str) -> list[tuple[str, int]]:
    async def ask() -> list[tuple[str, int]]:
        connection = await postgres.asyncpg.connect(url)
        try:
            return [
                (str(row["call_id"]), row["cost_nano"]) for row in await connection.fetch("SELECT call_id, cost_nano FROM spend_events")
            ]
        finally:
            await connection.close()

    return anyio.run(ask)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[Database]:
    name = anyio.run(postgres_server.create_database)
    url = make_url(postgres_server.url_of(name))
    with faulty_proxy(url.host or "", url.port or 5432) as proxy:
        yield Database(url.render_as_string(hide_password=False), proxy)
    anyio.run(postgres_server.drop_database, name)


@pytest.fixture(scope="module")
def house(database: Database, upstream: FaultyUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    url = make_url(database.direct_url).set(host="127.0.0.1", port=database.proxy.port).render_as_string(hide_password=False)
    data_dir = tmp_path_factory.mktemp("database") / "data"
    with running_house(data_dir, models(upstream, "fine"), "--database-url", url) as running:
        yield running


@pytest.mark.promise("dependencies-fail", "booked-once", "exact-money")
@pytest.mark.parametrize("fault", ["slow", "dead", "half-open", "malformed"])
def test_faulty_database_keeps_no_known_key_waiting_and_loses_nothing(fault: Fault, house: House, database: Database) -> None:
    key, unseen = house.make_key(max_budget=1.0), house.make_key()
    assert house.call(key).status_code == 200
    written = len(house.gateway.lines)
    database.proxy.become(fault)
    try:
        for stream in (False, True):
            began = time.monotonic()
            assert house.calls(CALLS, key, stream=stream) == [200] * CALLS
            assert time.monotonic() - began < PATIENCE_SECONDS, f"whole={not stream}"
        if fault != "slow":
            refused = house.call(unseen)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "auth_unavailable")
            assert refused.headers["retry-after"] == "5"
            assert house.readiness() == (200, "degraded")
            assert house.waiting() > 0
    finally:
        database.proxy.become("none")
    assert eventually(lambda: house.waiting() == 0, within_seconds=HEALING_SECONDS)
    assert sorted(database.booked()) == sorted((call_id, COST_NANO) for call_id in house.answered)
    assert house.spent_nano(key) == (1 + 2 * CALLS) * COST_NANO
    assert eventually(lambda: house.readiness() == (200, "healthy"), within_seconds=HEALING_SECONDS)
    assert house.call(unseen).status_code == 200
    others = [line for line in house.gateway.lines[written:] if '"event":"call"' not in line]
    assert len(others) < LINES_OF_AN_OUTAGE, "".join(others)
    assert "Traceback" not in house.gateway.output


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    with running_own_postgres() as server:
        yield server


@pytest.mark.promise("dependencies-fail", "booked-once", "exact-money", "bounded")
@pytest.mark.parametrize(
    "seconds", [SHORT_SECONDS, pytest.param(LONG_SECONDS, marks=[pytest.mark.long, pytest.mark.timeout(LONG_SECONDS + 180)])]
)
def test_database_that_is_away_under_load_gets_everything_afterwards(
    seconds: float, own_postgres: OwnPostgres, upstream: FaultyUpstream, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with running_house(tmp_path / "data", models(upstream, "fine"), "--database-url", own_postgres.url) as house:
        key, stopped = house.make_key(max_budget=1_000.0), threading.Event()
        wrong: list[int] = []

        def call_on(stream: bool) -> None:
            while not stopped.is_set():
                if (status := house.call(key, stream=stream).status_code) != 200:
                    wrong.append(status)
                time.sleep(0.01)

        assert house.call(key).status_code == 200
        threads = [threading.Thread(target=call_on, args=(number % 2 == 0,)) for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            resident, written = house.resident_bytes(), len(house.gateway.lines)
            own_postgres.stop()
            time.sleep(seconds)
            waited, grown = house.waiting(), house.resident_bytes() - resident
            own_postgres.start()
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
        record_property(
            FIGURE, f"{len(house.answered)} calls, {waited} rows waited, {grown >> 20} MB more after {seconds:.0f} s without it"
        )
        assert wrong == []
        assert eventually(lambda: house.waiting() == 0, within_seconds=HEALING_SECONDS)
        assert sorted(_booked(own_postgres.url)) == sorted((call_id, COST_NANO) for call_id in house.answered)
        assert house.spent_nano(key) == len(house.answered) * COST_NANO
        assert grown < MOST_GROWN_BYTES
        others = [line for line in house.gateway.lines[written:] if '"event":"call"' not in line]
        assert len(others) < LINES_OF_AN_OUTAGE, "".join(others)
        assert "Traceback" not in house.gateway.output
