"""The table of roles, held against a server that has every route of it."""

import re
from collections.abc import Iterator

import pytest
from litestar import HttpMethod, Litestar, route
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from support.virtual_keys import MASTER, METRICS, KeyHouse, answer_error
from tianji_adapters.http_server.authorization import Authorize, check_routes
from tianji_core.access.key_changes import create_key
from tianji_core.access.key_fields import KeyFields
from tianji_core.access.keys import KeyId
from tianji_core.access.roles import TABLE

_KEY = "sk-a-key-of-this-matrix"
_CALLERS = {"nobody": None, "stranger": "sk-nobody-has-this-key", "key": _KEY, "metrics": METRICS, "master": MASTER}
_PUBLIC = {"nobody": 200, "stranger": 200, "key": 200, "metrics": 200, "master": 200}
_ADMIN = {"nobody": 401, "stranger": 401, "key": 403, "metrics": 403, "master": 200}
_METRICS = _ADMIN | {"metrics": 200}
_ANY_KEY = _ADMIN | {"key": 200}


def _wanted(path: str) -> dict[str, int]:
    if path in ("/", "/openapi.json", "/health/liveness", "/health/liveliness", "/health/readiness"):
        return _PUBLIC
    if path == "/metrics":
        return _METRICS
    if path.startswith(("/health", "/config", "/spend/")) or (path.startswith("/key/") and path != "/key/info"):
        return _ADMIN
    return _ANY_KEY


def _handler(method: str, template: str) -> HTTPRouteHandler:
    async def nothing() -> None:
        return None

    name = re.sub(r"\W", "_", f"{method}{template}")
    return route(re.sub(r"\{(\w+)\}", r"{\1:str}", template), http_method=[HttpMethod(method)], status_code=200, name=name)(nothing)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    house = KeyHouse()
    key = create_key(KeyFields(), text=_KEY, key_id=KeyId("k"), now_ns=house.clock.now_ns(), actor="test")
    house.store.living[key.id] = key
    handlers = [_handler(method, template) for method, template in TABLE]
    server = Litestar(handlers, guards=[Authorize(house.authenticate)], exception_handlers={Exception: answer_error}, openapi_config=None)
    check_routes(server.routes)
    with TestClient(server) as found:
        yield found


@pytest.mark.parametrize("caller", _CALLERS)
@pytest.mark.parametrize(("method", "template"), sorted(TABLE))
def test_every_row_lets_in_whom_it_names(client: TestClient[Litestar], method: str, template: str, caller: str) -> None:
    text = _CALLERS[caller]
    headers = {} if text is None else {"authorization": f"Bearer {text}"}
    answer = client.request(method, template.replace("{model}", "gpt-5"), headers=headers)
    assert answer.status_code == _wanted(template)[caller]


@pytest.mark.parametrize(
    "name", ["x-tianji-api-key", "x-litellm-api-key", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"]
)
def test_every_header_carries_the_credential(client: TestClient[Litestar], name: str) -> None:
    assert client.get("/v1/models", headers={name: _KEY}).status_code == 200


def test_key_in_the_query_is_no_credential(client: TestClient[Litestar]) -> None:
    assert client.get("/v1/models", params={"key": _KEY}).status_code == 401
