"""The list of models, in the shape that the client speaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from support.containers import app_of, container_of
from support.gateway_parts import KEY, MASTER_KEY, deployment, virtual_key

ADMIN = {"authorization": f"Bearer {MASTER_KEY}"}
CALLER = {"authorization": f"Bearer {KEY}"}
ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    deployments = [deployment("a"), deployment("b", "openai/slow"), deployment("w", "groq/*", model="*")]
    with TestClient(app_of(container_of(tmp_path, *deployments, keys=[virtual_key(models=("fast",))]))) as found:
        yield found


@pytest.mark.parametrize("path", ["/models", "/v1/models"])
def test_list_is_openais_and_holds_what_the_key_may_use(client: TestClient[Litestar], path: str) -> None:
    assert client.get(path, headers=CALLER).json() == {
        "object": "list",
        "data": [{"id": "fast", "object": "model", "created": 1677610602, "owned_by": "openai"}],
    }
    assert [model["id"] for model in client.get(path, headers=ADMIN).json()["data"]] == ["fast", "openai/slow"]


def test_list_is_anthropics_for_its_clients(client: TestClient[Litestar]) -> None:
    answer = client.get("/v1/models", headers={"x-api-key": KEY, **ANTHROPIC}).json()
    assert (answer["has_more"], answer["first_id"], answer["last_id"]) == (False, "fast", "fast")
    assert answer["data"][0]["type"] == "model"


def test_wildcards_are_listed_when_they_are_asked_for(client: TestClient[Litestar]) -> None:
    listed = client.get("/v1/models?return_wildcard_routes=true", headers=ADMIN).json()["data"]
    assert "groq/*" in [model["id"] for model in listed]


@pytest.mark.parametrize("name", ["fast", "openai/slow", "openai%2Fslow"])
def test_one_model_is_found_by_its_name_slashes_included(client: TestClient[Litestar], name: str) -> None:
    assert client.get(f"/v1/models/{name}", headers=ADMIN).json()["id"] == name.replace("%2F", "/")


def test_model_that_the_key_may_not_use_is_not_there(client: TestClient[Litestar]) -> None:
    for name in ("openai/slow", "nope"):
        answer = client.get(f"/models/{name}", headers=CALLER)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_missing_model_is_told_to_an_anthropic_client_in_its_envelope(client: TestClient[Litestar]) -> None:
    assert client.get("/v1/models/nope", headers={**CALLER, **ANTHROPIC}).json()["error"]["type"] == "not_found_error"
