"""Errors outside of calls, each in the envelope of the surface that its path belongs to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.exceptions import ClientException, HTTPException, MethodNotAllowedException, NotFoundException, ValidationException
from litestar.testing import TestClient
from structlog.testing import capture_logs

from support.containers import app_of, container_of
from support.gateway_parts import MASTER_KEY
from tianji_adapters.http_server.errors import as_ours, error_handler
from tianji_app.container import resolve
from tianji_core import errors
from tianji_core.ports.gateway import Gateway

ADMIN = {"authorization": f"Bearer {MASTER_KEY}"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    with TestClient(app_of(container_of(tmp_path)), raise_server_exceptions=False) as found:
        yield found


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotFoundException(), errors.NotFoundError),
        (MethodNotAllowedException(), errors.MethodNotAllowedError),
        (ValidationException("bad field"), errors.InvalidRequestError),
        (ClientException("bad json"), errors.InvalidRequestError),
        (HTTPException(status_code=401), errors.AuthenticationError),
        (HTTPException(status_code=403), errors.PermissionDeniedError),
        (HTTPException(status_code=413), errors.TooLargeError),
        (HTTPException(status_code=418), errors.InvalidRequestError),
    ],
)
def test_frameworks_errors_become_ours(error: Exception, kind: type[Exception]) -> None:
    assert type(as_ours(error, "GET", "/x")) is kind


@pytest.mark.parametrize("error", [errors.ConflictError("taken"), ValueError("bug"), HTTPException(status_code=500, detail="inner")])
def test_our_errors_and_bugs_stay_what_they_are(error: Exception) -> None:
    assert as_ours(error, "GET", "/x") is error


def test_long_paths_are_not_repeated_whole() -> None:
    assert len(str(as_ours(NotFoundException(), "GET", "/" + "x" * 10_000))) < 400


def test_unknown_path_is_told_in_openais_envelope(client: TestClient[Litestar]) -> None:
    answer = client.get("/v1/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"
    assert "GET /v1/nothing" in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"]


def test_unknown_path_is_told_to_an_anthropic_client_in_its_envelope(client: TestClient[Litestar]) -> None:
    for answer in (client.get("/v1/nothing", headers={"anthropic-version": "2023-06-01"}), client.get("/v1/messages/batches")):
        body = answer.json()
        assert (answer.status_code, body["type"], body["error"]["type"]) == (404, "error", "not_found_error")
        assert body["request_id"] == answer.headers["request-id"]


def test_unknown_path_of_the_management_plane_is_told_in_its_envelope(client: TestClient[Litestar]) -> None:
    answer = client.get("/key/nothing", headers=ADMIN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "404")


def test_wrong_method_is_405(client: TestClient[Litestar]) -> None:
    assert client.post("/v1/models", headers=ADMIN).status_code == 405
    assert client.get("/v1/chat/completions").status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "reason"), [("GET", "/v1/nothing", "unknown_url"), ("POST", "/v1/models", "method_not_allowed")]
)
def test_what_no_route_answers_is_one_line_in_the_log(client: TestClient[Litestar], method: str, path: str, reason: str) -> None:
    with capture_logs() as lines:
        answer = client.request(method, path, params={"secret": "sk-12345"})
    (line,) = lines
    assert (line["log_level"], line["method"], line["path"], line["reason"]) == ("info", method, path, reason)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "sk-12345" not in str(line)


def test_missing_key_is_401_everywhere(client: TestClient[Litestar]) -> None:
    for path in ("/v1/models", "/health", "/metrics", "/key/info", "/v1/models/x"):
        assert client.get(path).status_code == 401


def test_bug_is_a_500_with_an_id_that_the_log_has_and_nothing_of_its_text(tmp_path: Path) -> None:
    @get("/broken")
    async def broken() -> None:
        raise ValueError("a secret sk-12345")

    gateway: Any = resolve(container_of(tmp_path), Gateway)  # type: ignore[type-abstract]
    app = Litestar([broken], exception_handlers={Exception: error_handler(gateway)}, openapi_config=None, logging_config=None)
    with TestClient(app, raise_server_exceptions=False) as client, capture_logs() as lines:
        answer = client.get("/broken")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "ValueError" not in answer.text
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert line["request_id"] == answer.headers["x-request-id"]
