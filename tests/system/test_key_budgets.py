"""The budget of a key through the real process, on both databases: spent, refused, shown, kept over a restart, and balanced."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, running_gateway
from support.ledger import eventually
from support.postgres import PostgresServer

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
CALL = {"model": "fine", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Return the flags that choose the database."""
    if request.param == "sqlite":
        yield []
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = anyio.run(server.create_database)
    yield ["--database-url", server.url_of(name)]
    anyio.run(server.drop_database, name)


def _config(upstream: FaultyUpstream) -> str:
    entry = {
        "model_name": "fine",
        "litellm_params": {
            "model": "openai/m",
            "api_base": f"{upstream.url}/fine/v1",
            "api_key": "sk-upstream-key-0001",
            "input_cost_per_token": 0.001,
            "output_cost_per_token": 0.001,
        },
    }
    return json.dumps({"model_list": [entry], "general_settings": {"master_key": MASTER_KEY}})


def test_budget_is_spent_refused_kept_over_a_restart_and_set_anew(upstream: FaultyUpstream, database: list[str], tmp_path: Path) -> None:
    config = _config(upstream)
    with (
        running_gateway(tmp_path / "data", *database, config=config) as gateway,
        httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as admin,
    ):
        made = admin.post("/key/generate", json={"max_budget": 0.5, "budget_duration": "30d"}).json()
        other = admin.post("/key/generate", json={}).json()["key"]
        key = made["key"]
        assert _call(gateway.base_url, other).status_code == 200
        answers = [_call(gateway.base_url, key).status_code for _ in range(60)]
        assert {200, 429} == set(answers)
        spent = _info(admin, key)["spend"]
        assert 0 < spent <= 0.5
        assert eventually(lambda: _info(admin, key)["total_spend"] == spent)
        assert _is_balanced(admin)
    with (
        running_gateway(tmp_path / "data", *database, config=config) as gateway,
        httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as admin,
    ):
        shown = _info(admin, key)
        assert (shown["spend"], shown["total_spend"], shown["budget_reset_at"]) == (spent, spent, made["budget_reset_at"])
        assert _call(gateway.base_url, key).status_code == 429
        admin.post("/key/update", json={"key": key, "spend": 0}).raise_for_status()
        assert _call(gateway.base_url, key).status_code == 200
        once = _info(admin, key)["spend"]
        assert eventually(lambda: _info(admin, key)["total_spend"] > spent)
        assert once == pytest.approx(_info(admin, key)["total_spend"] - spent)
        assert _is_balanced(admin)


def _call(base_url: str, key: str) -> httpx.Response:
    return httpx.post(f"{base_url}/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=CALL, timeout=30)


def _info(admin: httpx.Client, key: str) -> Any:
    return admin.get("/key/info", params={"key": key}).json()["info"]


def _is_balanced(admin: httpx.Client) -> bool:
    totals = admin.get("/spend/reconcile").json()
    assert totals["checked"]["windows"]["compared"] >= 2, totals
    assert totals["differences"] == []
    is_balanced: bool = totals["is_balanced"]
    return is_balanced
