"""The database goes away for a while: keys that are known go on, and their spend is stored when it is back."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import anyio
import httpx
import pytest

from support import postgres
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, ROOT, GatewayProcess, command, environment, running_gateway
from support.ledger import eventually, rows
from support.own_postgres import OwnPostgres, running_own_postgres

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
COST_NANO = 7 * 1000 + 3 * 2000
CALLS = 20


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


def _config(upstream: FaultyUpstream) -> str:
    parameters = {
        "model": "openai/m",
        "api_base": f"{upstream.url}/fine/v1",
        "api_key": "sk-upstream-key-0001",
        "input_cost_per_token": 0.000001,
        "output_cost_per_token": 0.000002,
    }
    return json.dumps(
        {"model_list": [{"model_name": "fine", "litellm_params": parameters}], "general_settings": {"master_key": MASTER_KEY}}
    )


def _key(gateway: GatewayProcess, alias: str) -> str:
    made = httpx.post(f"{gateway.base_url}/key/generate", headers=ADMIN, json={"key_alias": alias})
    key: str = made.json()["key"]
    return key


def _call(gateway: GatewayProcess, key: str, *, stream: bool = False) -> httpx.Response:
    body = {"model": "fine", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return httpx.post(f"{gateway.base_url}/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body, timeout=30)


def _calls(gateway: GatewayProcess, key: str) -> list[int]:
    with ThreadPoolExecutor(4) as threads:
        return [answer.status_code for answer in threads.map(lambda number: _call(gateway, key, stream=number % 2 == 0), range(CALLS))]


def _waiting(gateway: GatewayProcess) -> int:
    details = httpx.get(f"{gateway.base_url}/health/readiness/details", headers=ADMIN, timeout=30)
    return int(details.json()["unflushed_spend_rows"])


def _spent(gateway: GatewayProcess, key: str) -> float:
    info = httpx.get(f"{gateway.base_url}/key/info", params={"key": key}, headers=ADMIN, timeout=30)
    return float(info.json()["info"]["spend"])


@pytest.mark.promise("booked-once", "exact-money")
def test_spend_waits_while_somebody_else_holds_the_sqlite_file(upstream: FaultyUpstream, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running_gateway(folder, config=_config(upstream)) as gateway:
        known, new = _key(gateway, "known"), _key(gateway, "new")
        assert _call(gateway, known).status_code == 200
        assert eventually(lambda: len(rows(folder)) == 1)
        with closing(sqlite3.connect(folder / "tianji.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            assert _calls(gateway, known) == [200] * CALLS
            assert _call(gateway, new).status_code == 200, "to read, nobody has to wait"
            assert _waiting(gateway) == CALLS + 1
            assert len(rows(folder)) == 1
            assert httpx.get(f"{gateway.base_url}/health/readiness").json() == {"status": "healthy", "db": "connected"}
            holder.execute("ROLLBACK")
        assert eventually(lambda: len(rows(folder)) == CALLS + 2, within_seconds=15)
        assert eventually(lambda: _waiting(gateway) == 0)
        assert round(_spent(gateway, known) * 1e9) == (CALLS + 1) * COST_NANO
        assert "Traceback" not in gateway.output


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    with running_own_postgres() as server:
        yield server


@pytest.mark.promise("booked-once", "exact-money", "own-words", "keys-are-data")
def test_known_keys_go_on_while_postgresql_is_away_and_their_spend_lands_afterwards(
    own_postgres: OwnPostgres, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    with running_gateway(tmp_path / "data", "--database-url", own_postgres.url, config=_config(upstream)) as gateway:
        known, unseen = _key(gateway, "known"), _key(gateway, "unseen")
        assert _call(gateway, known).status_code == 200
        assert eventually(lambda: len(own_postgres.ask("SELECT 1 FROM spend_events")) == 1)

        own_postgres.stop()
        assert _calls(gateway, known) == [200] * CALLS
        refused = _call(gateway, unseen)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "auth_unavailable")
        assert refused.headers["retry-after"] == "5"
        assert _call(gateway, "sk-' OR '1'='1").status_code == 401, "what cannot be a key is refused without the database"
        told = httpx.post(f"{gateway.base_url}/v1/messages", headers={"x-api-key": unseen}, json={}, timeout=30)
        assert (told.status_code, told.json()["error"]["type"]) == (529, "overloaded_error")
        ready = httpx.get(f"{gateway.base_url}/health/readiness", timeout=30)
        assert (ready.status_code, ready.json()) == (200, {"status": "degraded", "db": "disconnected"})
        assert httpx.get(f"{gateway.base_url}/health/liveness").status_code == 200
        listed = httpx.get(f"{gateway.base_url}/key/list", headers=ADMIN, timeout=30)
        assert (listed.status_code, listed.json()["error"]["type"]) == (503, "no_db_connection")
        assert _waiting(gateway) == CALLS

        own_postgres.start()
        assert eventually(lambda: len(own_postgres.ask("SELECT 1 FROM spend_events")) == CALLS + 1, within_seconds=20)
        assert eventually(lambda: _waiting(gateway) == 0)
        booked = own_postgres.ask("SELECT call_id, cost_nano FROM spend_events")
        assert len({row["call_id"] for row in booked}) == CALLS + 1
        assert {row["cost_nano"] for row in booked} == {COST_NANO}
        assert round(_spent(gateway, known) * 1e9) == (CALLS + 1) * COST_NANO
        assert httpx.get(f"{gateway.base_url}/health/readiness").json() == {"status": "healthy", "db": "connected"}
        assert _call(gateway, unseen).status_code == 200
        assert gateway.stop() == 0
        assert "Traceback" not in gateway.output


@pytest.mark.promise("booked-once")
def test_connections_that_are_cut_are_replaced(postgres_server: postgres.PostgresServer, upstream: FaultyUpstream, tmp_path: Path) -> None:
    name = anyio.run(lambda: postgres_server.create_database(empty=True))
    url = postgres_server.url_of(name)
    try:
        with running_gateway(tmp_path / "data", "--database-url", url, config=_config(upstream)) as gateway:
            known, unseen = _key(gateway, "known"), _key(gateway, "unseen")
            for _ in range(3):
                anyio.run(postgres_server.end_connections, name)
                assert _call(gateway, known).status_code == 200
            assert _call(gateway, unseen).status_code == 200
            assert eventually(lambda: round(_spent(gateway, known) * 1e9) == 3 * COST_NANO, within_seconds=15)
            assert gateway.stop() == 0
            assert "Traceback" not in gateway.output
    finally:
        anyio.run(postgres_server.drop_database, name)


_HOLDERS = "SELECT a.application_name FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE l.locktype = 'advisory'"


def _holders(server: OwnPostgres) -> list[str]:
    return [row["application_name"].split(" on ")[0] for row in server.ask(_HOLDERS)]


@pytest.mark.promise("one-process")
def test_gateway_is_the_only_one_again_after_a_restart_of_postgresql(
    own_postgres: OwnPostgres, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    arguments = ("serve", "--port", "0", "--no-local-model", "--lock-wait", "0", "--database-url", own_postgres.url)
    with running_gateway(tmp_path / "data", "--database-url", own_postgres.url, config=_config(upstream)) as gateway:
        mine = [f"tianji, process {gateway.process.pid}"]
        assert _holders(own_postgres) == mine
        own_postgres.stop()
        assert _call(gateway, MASTER_KEY).status_code == 200
        own_postgres.start()
        assert eventually(lambda: _holders(own_postgres) == mine, within_seconds=20)
        second = subprocess.run(
            command(*arguments), env=environment(tmp_path / "second"), capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
        )
        assert second.returncode == 1
        assert f"is in use by {mine[0]} on " in second.stderr
        assert gateway.stop() == 0
        assert "Traceback" not in gateway.output


@pytest.mark.promise("one-process")
def test_gateway_that_another_one_overtook_during_a_restart_stops(
    own_postgres: OwnPostgres, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    with running_gateway(tmp_path / "data", "--database-url", own_postgres.url, config=_config(upstream)) as slow:
        slow.process.send_signal(signal.SIGSTOP)  # it must not be the first one after the restart
        try:
            own_postgres.stop()
            own_postgres.start()
            with running_gateway(tmp_path / "fast", "--database-url", own_postgres.url, config=_config(upstream)) as fast:
                slow.process.send_signal(signal.SIGCONT)
                assert slow.process.wait(30) == 1
                assert _call(fast, MASTER_KEY).status_code == 200
                assert _holders(own_postgres) == [f"tianji, process {fast.process.pid}"]
                assert eventually(lambda: f"is in use by tianji, process {fast.process.pid} on " in slow.output)
                assert "another process took the database while it was away; this one stops" in slow.output
                assert "Traceback" not in slow.output
        finally:
            slow.process.send_signal(signal.SIGCONT)
