"""What load balancers, operators and Prometheus ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from punq import Container

from support.containers import app_of, container_of
from support.gateway_parts import KEY, MASTER_KEY, deployment, virtual_key
from support.provider_answers import refusal, whole
from support.scripted_transport import ScriptedTransport
from tianji_app.container import resolve
from tianji_app.use_cases.readiness import CheckReadiness

ADMIN = {"authorization": f"Bearer {MASTER_KEY}"}
CALLER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def container(tmp_path: Path) -> Container:
    transport = ScriptedTransport()
    transport.answer("a", whole())
    transport.answer("b", refusal(500, "broken"))
    return container_of(
        tmp_path, deployment("a"), deployment("b", "slow"), keys=[virtual_key()], metrics_token="scrape-me", transport=transport
    )


@pytest.fixture
def client(container: Container) -> Iterator[TestClient[Litestar]]:
    with TestClient(app_of(container)) as found:
        yield found


def test_root_says_that_somebody_is_here(client: TestClient[Litestar]) -> None:
    assert client.get("/").json() == {"status": "ok"}
    answer = client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/health/liveness", "/health/liveliness"])
def test_liveness_needs_no_key_and_asks_nobody(client: TestClient[Litestar], path: str) -> None:
    assert client.get(path).json() == "I'm alive!"


def test_readiness_needs_no_key_and_says_little(client: TestClient[Litestar]) -> None:
    answer = client.get("/health/readiness")
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy", "db": "connected"})


def test_process_that_stops_is_not_ready(client: TestClient[Litestar], container: Container) -> None:
    resolve(container, CheckReadiness).is_draining = True
    answer = client.get("/health/readiness")
    assert (answer.status_code, answer.json()["status"]) == (503, "shutting_down")
    assert client.get("/health/readiness/details", headers=ADMIN).status_code == 503


def test_details_are_for_admins(client: TestClient[Litestar]) -> None:
    assert client.get("/health/readiness/details", headers=CALLER).status_code == 403
    details = client.get("/health/readiness/details", headers=ADMIN).json()
    assert (details["status"], details["unflushed_spend_rows"], details["resting_deployments"]) == ("healthy", 0, [])


def test_health_asks_every_deployment(client: TestClient[Litestar]) -> None:
    assert client.get("/health", headers=CALLER).status_code == 403
    found = client.get("/health", headers=ADMIN).json()
    assert found["healthy_endpoints"] == [{"model": "openai/gpt-4o", "model_group": "fast", "model_id": "a"}]
    assert (found["healthy_count"], found["unhealthy_count"]) == (1, 1)
    assert "broken" in found["unhealthy_endpoints"][0]["error"]


def test_health_of_one_group(client: TestClient[Litestar]) -> None:
    found = client.get("/health", params={"model": "fast"}, headers=ADMIN).json()
    assert (found["healthy_count"], found["unhealthy_count"]) == (1, 0)
    assert client.get("/health", params={"model_id": "nope"}, headers=ADMIN).status_code == 404


def test_metrics_are_for_admins_and_the_scraper(client: TestClient[Litestar]) -> None:
    scraper = {"authorization": "Bearer scrape-me", "accept": "application/openmetrics-text"}
    answer = client.get("/metrics", headers=scraper)
    assert answer.text == "accept: application/openmetrics-text\n"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert client.get("/metrics", headers=ADMIN).status_code == 200
    assert client.get("/metrics", headers=CALLER).status_code == 403
    assert client.get("/v1/models", headers=scraper).status_code == 403


def test_reload_is_for_admins(client: TestClient[Litestar]) -> None:
    assert client.post("/config/reload", headers=CALLER).status_code == 403
    answer = client.post("/config/reload", headers=ADMIN)
    assert (answer.status_code, answer.json()["deployments"]) == (200, 0)
