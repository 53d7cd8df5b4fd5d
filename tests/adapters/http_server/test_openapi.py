"""The document describes every route that the table of roles knows, and nothing else."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from litestar.testing import TestClient

from support.containers import app_of, container_of
from tianji_adapters.http_server.openapi import document
from tianji_app.catalog import all_surfaces
from tianji_core.access.roles import TABLE

DOCUMENT: Any = document("1.2.3", all_surfaces())
OPERATIONS: list[tuple[str, str, Any]] = [(method, path, op) for path, item in DOCUMENT["paths"].items() for method, op in item.items()]

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
                                "properties": {"in": {"const": "path"}, "required": {"const": True}},
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


def test_parameters_of_the_path_are_declared() -> None:
    for _, path, operation in OPERATIONS:
        assert [parameter["name"] for parameter in operation.get("parameters", [])] == re.findall(r"{([^{}]+)}", path)


def test_public_routes_and_only_they_need_no_key() -> None:
    for method, path, operation in OPERATIONS:
        assert ("security" in operation) != ("public" in TABLE[method.upper(), path])


@pytest.mark.parametrize(
    ("path", "required"),
    [
        ("/v1/chat/completions", ["model", "messages"]),
        ("/engines/{model}/chat/completions", ["messages"]),
        ("/v1/embeddings", ["model", "input"]),
        ("/v1/messages", ["model", "messages"]),
        ("/v1/completions", ["model", "prompt"]),
    ],
)
def test_bodies_of_calls_name_what_must_be_there(path: str, required: list[str]) -> None:
    assert DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["required"] == required


def test_error_schema_is_what_the_server_answers(tmp_path: Path) -> None:
    with TestClient(app_of(container_of(tmp_path))) as client:
        answer = client.post("/v1/chat/completions", json={})
    jsonschema.validate(answer.json(), DOCUMENT["components"]["schemas"]["Error"])


def test_document_is_served_to_everybody(tmp_path: Path) -> None:
    with TestClient(app_of(container_of(tmp_path))) as client:
        assert client.get("/openapi.json").json() == DOCUMENT
