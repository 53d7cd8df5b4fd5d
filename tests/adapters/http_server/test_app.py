"""The whole server: every route of every surface leads to the gateway, whose errors come out in the surface's envelope."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from punq import Container

from support.asgi import Client, scope_of
from support.containers import app_of, container_of, served_of
from support.gateway_parts import KEY, chat_body, virtual_key
from support.provider_answers import good_stream, whole
from support.scripted_transport import ScriptedTransport
from tianji_adapters.http_server.app import calls_first
from tianji_app.catalog import all_surfaces
from tianji_app.container import resolve
from tianji_core.access.roles import TABLE
from tianji_core.ports.dispatcher import EventSink

CALLER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def container(tmp_path: Path) -> Container:
    transport = ScriptedTransport()
    transport.answer("a", whole())
    return container_of(tmp_path, keys=[virtual_key()], transport=transport)


@pytest.fixture
def client(container: Container) -> Iterator[TestClient[Litestar]]:
    with TestClient(app_of(container)) as found:
        yield found


@pytest.mark.parametrize(
    "path",
    ["/chat/completions", "/v1/chat/completions", "/engines/fast/chat/completions", "/openai/deployments/fast/chat/completions"],
)
def test_chat_is_served_under_every_path(client: TestClient[Litestar], container: Container, path: str) -> None:
    body = chat_body()
    if "fast" in path:
        del body["model"]
    answer = client.post(path, json=body, headers=CALLER)
    assert (answer.status_code, answer.json()["model"]) == (200, "fast")
    events: Any = resolve(container, EventSink)  # type: ignore[type-abstract]
    assert events.events[-1].route == path.replace("/fast/", "/{model}/")


def test_stream_arrives_whole(tmp_path: Path) -> None:
    transport = ScriptedTransport()
    transport.answer("a", good_stream("Hi"))
    with TestClient(app_of(container_of(tmp_path, keys=[virtual_key()], transport=transport))) as client:
        answer = client.post("/v1/chat/completions", json=chat_body(stream=True), headers=CALLER)
    assert answer.text.endswith("data: [DONE]\n\n")


def test_query_of_a_client_does_not_change_the_route(client: TestClient[Litestar]) -> None:
    assert client.post("/v1/chat/completions?beta=true", json=chat_body(), headers=CALLER).status_code == 200


@pytest.mark.parametrize("template", sorted(template for method, template in TABLE if method == "POST" and "/key" not in template))
def test_every_route_of_a_call_asks_for_a_key_in_its_surfaces_envelope(client: TestClient[Litestar], template: str) -> None:
    answer = client.post(template.replace("{model}", "fast"), content=b"not even json")
    assert answer.status_code == 401
    assert ("request_id" in answer.json()) == ("/messages" in template)


def test_every_path_of_every_surface_is_served(client: TestClient[Litestar]) -> None:
    for surface in all_surfaces():
        for path in surface.paths:
            assert client.post(path.replace("{model}", "fast"), json={}, headers=CALLER).status_code == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_of_every_path_leave_one_event(client: TestClient[Litestar], container: Container, method: str) -> None:
    events: Any = resolve(container, EventSink)  # type: ignore[type-abstract]
    served = [(surface, path) for surface in all_surfaces() for path in surface.paths]
    for number, (surface, path) in enumerate(served, start=1):
        answer = client.request(method, path.replace("{model}", "fast"))
        assert (answer.status_code, answer.json()["error"]["type"]) == (405, "invalid_request_error")
        assert len(events.events) == number
        event = events.events[-1]
        assert (event.route, event.surface, event.http_status, event.error.code) == (path, surface.name, 405, "method_not_allowed")


def test_declared_length_is_refused_before_the_credential_everywhere(client: TestClient[Litestar]) -> None:
    headers = {"content-length": str(2 << 20), "authorization": "Bearer sk-unknown-0123456789"}
    for path in ("/v1/chat/completions", "/engines/fast/chat/completions", "/v1/messages", "/key/generate"):
        assert client.post(path, content=b"{}", headers=headers).status_code == 413


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "through_framework"), [("/v1/messages", 0), ("/messages/count_tokens", 0), ("/key/info", 1), ("/", 1)])
async def test_calls_need_nothing_of_the_framework(container: Container, path: str, through_framework: int) -> None:
    passed: list[str] = []

    async def framework(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["path"])

    client = Client(body=[b"{}"])
    app: Any = calls_first(framework, served_of(container))
    await app(scope_of(path), client.receive, client.send)
    assert len(passed) == through_framework
    assert [message.get("status") for message in client.sent[:1]] == ([] if through_framework else [401])
