"""The OpenAPI document, made from the tables that the server itself obeys: raw ASGI routes stand in it like all others.

Source: OpenAPI Specification 3.1.0.
"""

import re
from collections.abc import Iterable, Mapping

from tianji_adapters.http_server.openapi_schemas import ANSWERS, KEY_BODIES, QUERIES, Schema, call_answer, call_body
from tianji_core.access.roles import TABLE
from tianji_core.shapes.codecs import Surface

_PARAMETER = re.compile(r"\{([^{}:]+)(?::[^{}]*)?\}")
_SUMMARIES: Mapping[str, str] = {
    "/": "Say that the gateway is here",
    "/health": "Ask every deployment for a few tokens",
    "/health/liveness": "Say that the process lives",
    "/health/liveliness": "Say that the process lives",
    "/health/readiness": "Say whether this process should get traffic",
    "/health/readiness/details": "Say so with everything an administrator wants to know",
    "/openapi.json": "Return this document",
    "/metrics": "Return the metrics for Prometheus",
    "/config/reload": "Read the configuration again",
    "/models": "List the models that the key may use",
    "/models/{model}": "Return one model",
    "/key/generate": "Make a virtual key; its text is shown this once",
    "/key/info": "Show a key",
    "/key/list": "List keys",
    "/key/update": "Change a key",
    "/key/delete": "Delete keys",
    "/key/block": "Block a key",
    "/key/unblock": "Unblock a key",
    "/spend/reconcile": "Compare the totals of spend with the ledger and with each other",
}


def document(version: str, surfaces: Iterable[Surface]) -> dict[str, object]:
    """Return the document of every route that has a row in the role table."""
    operations = {path: surface for surface in surfaces for path in surface.paths}
    paths: dict[str, dict[str, object]] = {}
    for (method, template), rights in TABLE.items():
        surface = operations.get(template.removeprefix("/v1"))
        path = _PARAMETER.sub(r"{\1}", template)
        paths.setdefault(path, {})[method.lower()] = _operation(method, template, surface, public="public" in rights)
    return {
        "openapi": "3.1.0",
        "info": {"title": "TianJi", "version": version, "description": "One API in front of every model provider."},
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A virtual key, or the master key."}},
            "schemas": {"Error": _ERROR},
        },
    }


def _operation(method: str, template: str, surface: Surface | None, *, public: bool) -> dict[str, object]:
    bare = template.removeprefix("/v1")
    summary = _SUMMARIES.get(bare) or (f"{surface.name}: {surface.operation.replace('_', ' ')}" if surface else bare)
    names = _PARAMETER.findall(template)
    operation: dict[str, object] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{template}").strip("_"),
        "summary": summary,
        "responses": {
            "200": {"description": "Done", "content": _answer(template, surface)},
            "default": {"description": "Refused", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
        },
    }
    parameters = [_parameter(name, "path", {"type": "string", "minLength": 1}) for name in names]
    parameters += [_parameter(name, "query", schema) for name, schema in QUERIES.get(template, {}).items()]
    if parameters:
        operation["parameters"] = parameters
    body = KEY_BODIES.get(template) if surface is None else call_body(surface, model_in_path="model" in names)
    if body is not None:
        operation["requestBody"] = {"required": template != "/key/generate", "content": {"application/json": {"schema": body}}}
    if not public:
        operation["security"] = [{"key": []}]
    return operation


def _parameter(name: str, place: str, schema: Schema) -> dict[str, object]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _answer(template: str, surface: Surface | None) -> dict[str, object]:
    if surface is not None:
        return call_answer(surface)
    return {"application/json": {"schema": ANSWERS.get(template, {})}}


_ERROR: dict[str, object] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
