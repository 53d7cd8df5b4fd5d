"""The document describes every route that the table of roles knows, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from support.containers import app_of, container_of
from support.gateway_parts import MASTER_KEY
from support.provider_answers import whole
from support.scripted_transport import ScriptedTransport
from tianji_adapters.http_server.openapi import document
from tianji_app.catalog import all_surfaces
from tianji_core.access.roles import TABLE

DOCUMENT: Any = document("1.2.3", all_surfaces())
OPERATIONS: list[tuple[str, str, Any]] = [(method, path, op) for path, item in DOCUMENT["paths"].items() for method, op in item.items()]

CALL_PATHS = sorted(path for surface in all_surfaces() for path in surface.paths)
KEY_PATHS = sorted(path for _, path in TABLE if path.startswith("/key/"))


def body_schema(path: str) -> Any:
    return DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


def answer_schema(method: str, path: str) -> Any:
    return DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]


# The parts of the 3.1 meta-schema that this document uses, strict about everything else.
_SCHEMA = {
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "properties": {
        "openapi": {"const": "3.1.0"},
        "info": {"type": "object", "required": ["title", "version"]},
        "paths": {
            "type": "object",
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": {
                "type": "object",
                "propertyNames": {"enum": ["get", "head", "post"]},
                "additionalProperties": {
                    "type": "object",
                    "required": ["operationId", "summary", "responses"],
                    "additionalProperties": False,
                    "properties": {
                        "operationId": {"type": "string", "pattern": "^[a-z][A-Za-z0-9_]*$"},
                        "summary": {"type": "string", "minLength": 3},
                        "responses": {
                            "type": "object",
                            "minProperties": 1,
                            "propertyNames": {"pattern": "^([1-5][0-9]{2}|default)$"},
                            "additionalProperties": {"type": "object", "required": ["description"]},
                        },
                        "parameters": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["name", "in", "required", "schema"],
                                "properties": {"in": {"enum": ["path", "query"]}, "required": {"type": "boolean"}},
                                "if": {"properties": {"in": {"const": "path"}}},
                                "then": {"properties": {"required": {"const": True}}},
                            },
                        },
                        "requestBody": {"type": "object", "required": ["content"]},
                        "security": {"const": [{"key": []}]},
                    },
                },
            },
        },
        "components": {"type": "object", "required": ["securitySchemes", "schemas"]},
    },
}


def test_document_has_the_structure_of_openapi() -> None:
    jsonschema.Draft202012Validator(_SCHEMA).validate(DOCUMENT)


def test_every_row_of_the_table_is_described_and_nothing_else() -> None:
    described = {(method.upper(), path) for method, path, _ in OPERATIONS}
    assert described == {(method, re.sub(r":[^{}]*}", "}", template)) for method, template in TABLE}


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names)) == len(TABLE)


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r"'\$ref': '#/([^']+)'", str(DOCUMENT)))
    assert references
    for reference in references:
        found: Any = DOCUMENT
        for name in reference.split("/"):
            found = found[name]


def test_schemas_are_schemas() -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"]["Error"])
    for _, _, operation in OPERATIONS:
        if "requestBody" in operation:
            jsonschema.Draft202012Validator.check_schema(operation["requestBody"]["content"]["application/json"]["schema"])
        for content in operation["responses"]["200"]["content"].values():
            jsonschema.Draft202012Validator.check_schema(content["schema"])
        for parameter in operation.get("parameters", []):
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])


def test_parameters_of_the_path_are_declared() -> None:
    for _, path, operation in OPERATIONS:
        declared = [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"]
        assert declared == re.findall(r"{([^{}]+)}", path)


def test_public_routes_and_only_they_need_no_key() -> None:
    for method, path, operation in OPERATIONS:
        assert ("security" in operation) != ("public" in TABLE[method.upper(), path])


@pytest.mark.parametrize(
    ("path", "required"),
    [
        ("/v1/chat/completions", ["model", "messages"]),
        ("/engines/{model}/chat/completions", ["messages"]),
        ("/v1/embeddings", ["model", "input"]),
        ("/v1/messages", ["model", "messages", "max_tokens"]),
        ("/v1/messages/count_tokens", ["model", "messages"]),
        ("/v1/completions", ["model", "prompt"]),
    ],
)
def test_bodies_of_calls_name_what_must_be_there(path: str, required: list[str]) -> None:
    assert body_schema(path)["required"] == required


def test_error_schema_is_what_the_server_answers(tmp_path: Path) -> None:
    with TestClient(app_of(container_of(tmp_path))) as client:
        answer = client.post("/v1/chat/completions", json={})
    jsonschema.validate(answer.json(), DOCUMENT["components"]["schemas"]["Error"])


# --- the schemas and the server say the same ----------------------------------------------------------------------------

GOOD: dict[str, dict[str, Any]] = {
    "messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5},
    "prompt": {"prompt": "Hi"},
    "input": {"input": ["Hi"]},
}
NO_TYPE_OF_ANY_FIELD: tuple[Any, ...] = (5.5, [5.5], {"a": 1}, "\x00 no word of any list", True, [])


def _good(path: str) -> dict[str, Any]:
    """Return a body that the schema of a call and the server take."""
    properties = body_schema(path)["properties"]
    (body,) = (good for name, good in GOOD.items() if name in properties)
    given = {"model": "fast"} if "model" in properties else {}
    return {**given, **{name: value for name, value in body.items() if name in properties}}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    transport = ScriptedTransport()
    transport.answer("a", whole())
    with TestClient(app_of(container_of(tmp_path, transport=transport))) as found:
        found.headers["authorization"] = f"Bearer {MASTER_KEY}"
        yield found


@pytest.mark.parametrize("path", CALL_PATHS)
def test_call_refuses_what_its_schema_refuses(client: TestClient[Litestar], path: str) -> None:
    validator, good, url = jsonschema.Draft202012Validator(body_schema(path)), _good(path), path.replace("{model}", "fast")
    validator.validate(good)
    refused = [{name: value for name, value in good.items() if name != missing} for missing in body_schema(path)["required"]]
    for name in body_schema(path)["properties"]:
        refused += [{**good, name: value} for value in NO_TYPE_OF_ANY_FIELD if not validator.is_valid({**good, name: value})]
    assert len(refused) > 3 * len(body_schema(path)["required"])
    for body in refused:
        answer = client.post(url, json=body)
        assert answer.status_code == 400, (body, answer.text)


@pytest.mark.parametrize("path", ["/chat/completions", "/messages", "/messages/count_tokens"])
def test_answer_of_a_call_is_as_its_schema_says(client: TestClient[Litestar], path: str) -> None:
    answer = client.post(path, json=_good(path))
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), answer_schema("post", path))


FULL_KEY = {
    "key": "sk-0123456789abcdef",
    "key_alias": "ci",
    "key_type": "default",
    "duration": "30d",
    "user_id": "u",
    "team_id": "t",
    "organization_id": None,
    "models": ["gpt-*"],
    "aliases": {"a": "b"},
    "allowed_routes": ["/v1/chat/completions"],
    "tags": ["t"],
    "metadata": {"a": 1},
    "blocked": False,
    "max_budget": "10.5",
    "soft_budget": 5,
    "budget_duration": "monthly",
    "rpm_limit": 0,
    "tpm_limit": 1000,
    "max_parallel_requests": 3,
    "token_rate_limit_type": "input",
    "spend": 1.5,
}


def test_life_of_a_key_is_as_the_schemas_say(client: TestClient[Litestar]) -> None:
    assert set(FULL_KEY) == set(body_schema("/key/generate")["properties"]), "every field is tried"
    key = {"key": FULL_KEY["key"]}
    for method, path, body in [
        ("post", "/key/generate", FULL_KEY),
        ("get", "/key/info?key=sk-0123456789abcdef", None),
        ("get", "/key/list?return_full_object=true&page=1&size=10&status=active", None),
        ("get", "/key/list", None),
        ("post", "/key/update", {**key, "duration": "-1", "spend": "2.5", "expected_version": 1}),
        ("post", "/key/update", {"key_alias": "ci", "tags": None}),
        ("post", "/key/block", key),
        ("post", "/key/unblock", key),
        ("post", "/key/delete", {"keys": [FULL_KEY["key"]]}),
    ]:
        route = path.partition("?")[0]
        if body is not None:
            jsonschema.validate(body, body_schema(route))
        answer = client.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        jsonschema.validate(answer.json(), answer_schema(method, route))


@pytest.mark.parametrize("path", [path for path in KEY_PATHS if ("POST", path) in TABLE])
def test_key_route_refuses_what_its_schema_refuses(client: TestClient[Litestar], path: str) -> None:
    validator = jsonschema.Draft202012Validator(body_schema(path))
    client.post("/key/generate", json=FULL_KEY)
    good = {name: FULL_KEY[name] for name in body_schema(path)["properties"] if name == "key" and path != "/key/generate"}
    refused: list[dict[str, Any]] = [] if validator.is_valid({}) else [{}]
    for name in body_schema(path)["properties"]:
        refused += [{**good, name: value} for value in NO_TYPE_OF_ANY_FIELD if not validator.is_valid({**good, name: value})]
    assert refused
    for body in refused:
        assert client.post(path, json=body).status_code in (400, 404, 422), body


def test_comparison_of_totals_is_as_its_schema_says(client: TestClient[Litestar]) -> None:
    client.post("/chat/completions", json=_good("/chat/completions"))
    for query in ("", "?start_date=2026-01-01&end_date=2026-01-31"):
        answer = client.get(f"/spend/reconcile{query}")
        assert answer.status_code == 200, answer.text
        jsonschema.validate(answer.json(), answer_schema("get", "/spend/reconcile"))
    assert client.get("/spend/reconcile?start_date=yesterday").status_code == 422


def test_every_route_of_keys_has_a_body_and_an_answer() -> None:
    for method, path, operation in OPERATIONS:
        if path.startswith("/key/"):
            assert ("requestBody" in operation) == (method == "post")
            assert answer_schema(method, path)["required"]


def test_document_is_served_to_everybody(tmp_path: Path) -> None:
    with TestClient(app_of(container_of(tmp_path))) as client:
        assert client.get("/openapi.json").json() == DOCUMENT
