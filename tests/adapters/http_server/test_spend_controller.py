"""The routes of spend, as an HTTP client sees them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from support.containers import app_of, container_of
from support.gateway_parts import KEY, MASTER_KEY, virtual_key


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    with TestClient(app_of(container_of(tmp_path, keys=[virtual_key()]))) as found:
        yield found


def test_totals_are_compared_for_an_admin(client: TestClient[Litestar]) -> None:
    answer = client.get("/spend/reconcile", params={"end_date": "2026-01-31", "x": "y"}, headers={"authorization": f"Bearer {MASTER_KEY}"})
    assert answer.status_code == 200
    assert answer.headers["x-tianji-ignored-fields"] == "x"
    assert answer.headers["cache-control"] == "no-store"
    nothing = {"compared": 0, "differing": 0}
    checked = {"start_date": "2026-01-02", "end_date": "2026-01-31", "daily_totals": nothing, "lifetime": nothing, "windows": nothing}
    assert answer.json() == {"is_balanced": True, "differences": [], "checked": checked}


def test_bad_day_is_named(client: TestClient[Litestar]) -> None:
    answer = client.get("/spend/reconcile?start_date=today", headers={"authorization": f"Bearer {MASTER_KEY}"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "start_date")


def test_key_may_not_compare(client: TestClient[Litestar]) -> None:
    assert client.get("/spend/reconcile", headers={"authorization": f"Bearer {KEY}"}).status_code == 403
