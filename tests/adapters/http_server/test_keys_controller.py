"""The routes of virtual keys, as an HTTP client sees them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar, asgi, get
from litestar.testing import TestClient

from support.virtual_keys import MASTER, METRICS, KeyHouse, key_server
from tianji_adapters.http_server.authorization import check_routes
from tianji_core.access.roles import TABLE
from tianji_core.errors import ConfigurationError

_ADMIN = {"authorization": f"Bearer {MASTER}"}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_KEY_ROUTES = sorted(route for route in TABLE if route[1].startswith("/key/"))


@pytest.fixture
def house() -> KeyHouse:
    return KeyHouse()


@pytest.fixture
def client(house: KeyHouse) -> Iterator[TestClient[Litestar]]:
    with TestClient(key_server(house), raise_server_exceptions=False) as found:
        yield found


def _post(client: TestClient[Litestar], path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(path, json=body, headers=_ADMIN | headers)


def _bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def test_created_key_is_shown_once_and_calls_models(client: TestClient[Litestar]) -> None:
    answer = _post(client, "/key/generate", {"key_alias": "ci", "models": ["gpt-5*"], "duration": "1h", "metadata": {"a": 1.5}})
    made = answer.json()
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
    assert made["key_name"] == "sk-..." + made["key"][-4:]
    assert made["token"] == made["token_id"]
    assert made["expires"] == "2026-01-01T01:00:00.000000Z"
    assert _INSTANT.fullmatch(made["created_at"])
    assert made["metadata"] == {"a": 1.5}
    info = client.get("/key/info", params={"key": made["key"]}, headers=_ADMIN).json()
    assert info["key"] == made["token"]
    assert "key" not in info["info"]
    assert "token" not in info["info"]
    assert info["info"]["models"] == ["gpt-5*"]
    assert client.get("/v1/models", headers=_bearer(made["key"])).text == made["id"]


def test_blocked_key_is_refused_at_once_and_works_again_when_unblocked(client: TestClient[Litestar]) -> None:
    key = _post(client, "/key/generate", {}).json()["key"]
    assert client.get("/v1/models", headers=_bearer(key)).status_code == 200
    assert _post(client, "/key/block", {"key": key}).json()["blocked"] is True
    refused = client.get("/v1/models", headers=_bearer(key))
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "key_blocked")
    assert _post(client, "/key/unblock", {"key": key}).json()["blocked"] is False
    assert client.get("/v1/models", headers=_bearer(key)).status_code == 200


def test_deleted_key_is_unknown_at_once(client: TestClient[Litestar]) -> None:
    made = _post(client, "/key/generate", {"key_alias": "gone"}).json()
    assert client.get("/v1/models", headers=_bearer(made["key"])).status_code == 200
    assert _post(client, "/key/delete", {"keys": None, "key_aliases": ["gone"]}).json() == {"deleted_keys": [made["token"]]}
    refused = client.get("/v1/models", headers=_bearer(made["key"]))
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "token_not_found_in_db")


def test_list_pages_and_counts(client: TestClient[Litestar]) -> None:
    hashes = [_post(client, "/key/generate", {}).json()["token"] for _ in range(3)]
    page = client.get("/key/list", params={"page": 2, "size": 2}, headers=_ADMIN).json()
    assert page == {"keys": [hashes[0]], "total_count": 3, "current_page": 2, "total_pages": 2}
    rows = client.get("/key/list", params={"return_full_object": "true"}, headers=_ADMIN).json()["keys"]
    assert [row["token"] for row in rows] == hashes[::-1]


def test_every_bad_field_is_told_in_one_envelope(client: TestClient[Litestar]) -> None:
    answer = _post(client, "/key/generate", {"models": ["a", 7], "blocked": "yes", "budget_id": "b"})
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert (error["type"], error["param"], error["code"]) == ("validation_error", "models.1", "422")
    assert [(fault["field"], fault["code"]) for fault in error["errors"]] == [
        ("models.1", "invalid_type"),
        ("blocked", "invalid_type"),
        ("budget_id", "unsupported_field"),
    ]
    assert answer.json()["detail"] == {"error": error["message"]}


def test_unbuilt_protection_is_refused_by_name(client: TestClient[Litestar]) -> None:
    answer = _post(client, "/key/generate", {"guardrails": ["pii"], "tag_rpm_limit": {"a": 5}, "permissions": {}, "team_id": ""})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (422, "unsupported_field", "guardrails")
    assert [fault["field"] for fault in error["errors"]] == ["guardrails", "tag_rpm_limit"]


def test_unknown_fields_are_named_in_a_header_that_they_cannot_break(client: TestClient[Litestar]) -> None:
    answer = _post(client, "/key/generate", {"colour": 1, "x\r\nset-cookie: a=b": 2, "created_at": "echoed"})
    assert answer.status_code == 200
    assert answer.headers["x-tianji-ignored-fields"] == "colour, x%0D%0Aset-cookie%3A%20a%3Db"
    assert "set-cookie" not in answer.headers


def test_change_of_an_old_version_is_refused(client: TestClient[Litestar]) -> None:
    key = _post(client, "/key/generate", {}).json()["key"]
    first = _post(client, "/key/update", {"key": key, "tags": ["a"]}, **{"if-match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    second = _post(client, "/key/update", {"key": key, "tags": ["b"]}, **{"if-match": '"1"'})
    assert (second.status_code, second.json()["error"]["type"]) == (412, "version_mismatch")


def test_money_is_a_number_or_exact_text(client: TestClient[Litestar]) -> None:
    key = _post(client, "/key/generate", {"spend": "0.100000001"}).json()["key"]
    assert client.get("/key/info", params={"key": key}, headers=_ADMIN).json()["info"]["spend"] == 0.100000001
    exact = client.get("/key/info", params={"key": key}, headers=_ADMIN | {"accept-money": "decimal"})
    assert exact.json()["info"]["spend"] == "0.100000001"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"key":"sk-1234"}', 422), (b'{"metadata":"' + b"x" * 1_048_576 + b'"}', 413)],
)
def test_unreadable_bodies_are_refused(client: TestClient[Litestar], body: bytes, status: int) -> None:
    answer = client.post("/key/generate", content=body, headers=_ADMIN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, str(status))


def test_conflicting_twins_are_refused(client: TestClient[Litestar]) -> None:
    answer = client.get("/key/list", headers={"x-tianji-api-key": MASTER, "x-litellm-api-key": "sk-other-000000000000"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "conflicting_credentials")


@pytest.mark.promise("keys-are-data")
def test_malformed_credential_never_reaches_the_store(client: TestClient[Litestar], house: KeyHouse) -> None:
    for text in ("", "sk-", "' OR 1=1 --", "sk-" + "x" * 300, "a" * 64, "sk-täst-0123456789012345"):
        assert client.get("/v1/models", headers={b"x-api-key": text.encode()}).status_code == 401
    assert house.store.asked == []


def test_methods_are_told_without_a_credential(client: TestClient[Litestar]) -> None:
    assert client.options("/key/info").status_code == 204


@pytest.mark.parametrize(("method", "path"), _KEY_ROUTES)
def test_every_key_route_obeys_its_row(client: TestClient[Litestar], method: str, path: str) -> None:
    key = _post(client, "/key/generate", {}).json()["key"]
    as_nobody = client.request(method, path, json={})
    as_key = client.request(method, path, json={}, headers=_bearer(key))
    as_metrics = client.request(method, path, json={}, headers=_bearer(METRICS))
    as_admin = client.request(method, path, json={}, headers=_ADMIN)
    assert as_nobody.status_code == 401
    assert as_metrics.status_code == 403
    assert as_key.status_code == (200 if path == "/key/info" else 403)
    assert as_admin.status_code in (200, 422)


def test_key_sees_itself_and_nobody_else(client: TestClient[Litestar]) -> None:
    own, other = (_post(client, "/key/generate", {}).json() for _ in range(2))
    assert client.get("/key/info", headers=_bearer(own["key"])).json()["key"] == own["token"]
    assert client.get("/key/info", params={"key": own["token"]}, headers=_bearer(own["key"])).status_code == 200
    foreign = client.get("/key/info", params={"key": other["token"]}, headers=_bearer(own["key"]))
    missing = client.get("/key/info", params={"key": other["token"][::-1]}, headers=_bearer(own["key"]))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace(other["token"], "") == missing.text.replace(other["token"][::-1], "")


def test_key_with_allowed_routes_calls_no_other(client: TestClient[Litestar]) -> None:
    key = _post(client, "/key/generate", {"key_type": "llm_api"}).json()["key"]
    assert client.get("/v1/models", headers=_bearer(key)).status_code == 200
    refused = client.get("/key/info", headers=_bearer(key))
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "route_not_allowed")


def test_store_that_is_away_is_503_for_a_new_key_and_nothing_for_a_known_one(client: TestClient[Litestar], house: KeyHouse) -> None:
    key = _post(client, "/key/generate", {}).json()["key"]
    assert client.get("/v1/models", headers=_bearer(key)).status_code == 200
    house.store.is_away = True
    assert client.get("/v1/models", headers=_bearer(key)).status_code == 200
    refused = client.get("/v1/models", headers=_bearer("sk-nobody-has-seen-this"))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["error"]["type"] == "auth_unavailable"
    assert client.get("/key/info", params={"key": key}, headers=_ADMIN).json()["error"]["type"] == "no_db_connection"


def test_no_answer_but_the_first_holds_the_text_of_a_key(client: TestClient[Litestar]) -> None:
    key = _post(client, "/key/generate", {"key_alias": "a"}).json()["key"]
    answers = [
        client.get("/key/info", params={"key": key}, headers=_ADMIN),
        client.get("/key/list", params={"return_full_object": "true"}, headers=_ADMIN),
        _post(client, "/key/update", {"key": key, "tags": ["t"]}),
        _post(client, "/key/block", {"key": key}),
        _post(client, "/key/block", {"key": key + "x"}),
        _post(client, "/key/delete", {"keys": [key, key + "x"]}),
        _post(client, "/key/delete", {"keys": [key]}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404, 404, 200]
    assert all(key not in answer.text for answer in answers)


@get("/unknown")
async def _unknown() -> None: ...


@asgi("/raw", copy_scope=False)
async def _raw(scope: Any, receive: Any, send: Any) -> None: ...


def test_route_without_a_row_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"\* /raw, GET /unknown"):
        check_routes(Litestar([_unknown, _raw], openapi_config=None).routes)
