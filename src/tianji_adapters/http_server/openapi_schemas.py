"""The bodies in the OpenAPI document: what is read of a request, and what is answered.

Calls name the fields that are checked here; providers have many more, which are passed on. Bodies of keys are made from the structs that
read them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tianji_core.access.key_fields import KeyFields
from tianji_core.shapes.codecs import Surface

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 1}
_SIZE: Schema = {"type": "integer", "minimum": 0}
_NULL: Schema = {"type": "null"}
_FLAG: Schema = {"type": "boolean"}
_OBJECT: Schema = {"type": "object"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_DAY: Schema = {"type": "string", "format": "date"}
_HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_MONEY: Schema = {"type": ["number", "string"], "description": "USD; exact text with `accept-money: decimal`."}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": schema, **limits}


def _one_or_more(schema: Schema) -> Schema:
    return {"anyOf": [schema, _list(schema)]}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    """Return an object that has exactly these fields."""
    return {"type": "object", "required": list(properties), "properties": dict(properties), "additionalProperties": False}


# --- calls --------------------------------------------------------------------------------------------------------------

_PARTS: Schema = {"anyOf": [_TEXT, _list(_OBJECT), {"type": "null"}]}
_ROLES: Schema = {"enum": ["system", "developer", "user", "assistant", "tool", "function"]}
_CHAT_MESSAGE: Schema = {
    "type": "object",
    "required": ["role"],
    "properties": {"role": _ROLES, "content": _PARTS, "name": _TEXT, "tool_calls": _list(_OBJECT), "tool_call_id": _TEXT},
}
_TURN: Schema = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {"role": {"enum": ["user", "assistant", "system"]}, "content": {"anyOf": [_TEXT, _list(_OBJECT)]}},
}
_TOKENS = _list(_SIZE, minItems=1)
_INPUTS: Schema = {"anyOf": [_TEXT, _list(_TEXT, minItems=1), _TOKENS, _list(_TOKENS, minItems=1)]}
_SAMPLING: Mapping[str, Schema] = {"temperature": {"type": "number"}, "top_p": {"type": "number"}, "stream": _FLAG}
_OPENAI: Mapping[str, Schema] = {**_SAMPLING, "seed": {"type": "integer"}, "stop": _one_or_more(_TEXT), "user": _TEXT}
_TOOLS: Mapping[str, Schema] = {"tools": _list(_OBJECT)}
_PROMPT: Mapping[str, Schema] = {"system": {"anyOf": [_TEXT, _list(_OBJECT)]}, "messages": _list(_TURN, minItems=1), **_TOOLS}
_CALLS: Mapping[str, tuple[tuple[str, ...], Mapping[str, Schema]]] = {
    "openai_chat": (
        ("messages",),
        {
            "messages": _list(_CHAT_MESSAGE, minItems=1),
            "max_tokens": _COUNT,
            "max_completion_tokens": _COUNT,
            **_OPENAI,
            **_TOOLS,
            "parallel_tool_calls": _FLAG,
            "response_format": _OBJECT,
            "stream_options": _OBJECT,
        },
    ),
    "openai_completions": (
        ("prompt",),
        {"prompt": _INPUTS, "max_tokens": _SIZE, **_OPENAI},
    ),
    "openai_embeddings": (
        ("input",),
        {
            "input": _INPUTS,
            "dimensions": _COUNT,
            "encoding_format": {"enum": ["float", "base64"]},
            "user": _TEXT,
        },
    ),
    "anthropic_messages": (
        ("messages", "max_tokens"),
        {**_PROMPT, "max_tokens": _SIZE, "stop_sequences": _list(_TEXT), **_SAMPLING, "metadata": _OBJECT, "thinking": _OBJECT},
    ),
    "anthropic_count_tokens": (("messages",), _PROMPT),
}
_ANSWERS: Mapping[str, Schema] = {
    "openai_chat": {
        "type": "object",
        "required": ["id", "object", "created", "model", "choices"],
        "properties": {
            "id": _TEXT,
            "object": {"const": "chat.completion"},
            "created": {"type": "integer"},
            "model": _TEXT,
            "choices": _list(_OBJECT),
            "usage": _OBJECT,
        },
    },
    "openai_completions": {
        "type": "object",
        "required": ["id", "object", "created", "model", "choices"],
        "properties": {"object": {"const": "text_completion"}, "choices": _list(_OBJECT), "usage": _OBJECT},
    },
    "openai_embeddings": {
        "type": "object",
        "required": ["object", "data", "model", "usage"],
        "properties": {"object": {"const": "list"}, "data": _list(_OBJECT), "model": _TEXT, "usage": _OBJECT},
    },
    "anthropic_messages": {
        "type": "object",
        "required": ["id", "type", "role", "model", "content", "stop_reason", "usage"],
        "properties": {"type": {"const": "message"}, "role": {"const": "assistant"}, "content": _list(_OBJECT), "usage": _OBJECT},
    },
    "anthropic_count_tokens": {"type": "object", "required": ["input_tokens"], "properties": {"input_tokens": _SIZE}},
}


def call_body(surface: Surface, *, model_in_path: bool) -> Schema:
    """Return the body of a call."""
    required, fields = _CALLS[surface.name]
    if model_in_path:
        return {"type": "object", "required": list(required), "properties": dict(fields)}
    return {"type": "object", "required": ["model", *required], "properties": {"model": _NAME, **fields}}


def call_answer(surface: Surface) -> dict[str, Any]:
    """Return the content of a good answer by its media type: whole, and where the surface has it streamed."""
    content: dict[str, Any] = {"application/json": {"schema": _ANSWERS[surface.name]}}
    if "stream" in _CALLS[surface.name][1]:
        content["text/event-stream"] = {"schema": _TEXT}
    return content


# --- keys ---------------------------------------------------------------------------------------------------------------


_DURATION = "[1-9][0-9]{0,3}(s|m|h|d|w|mo)|hourly|daily|weekly|monthly"
_AMOUNT: Schema = {"type": ["number", "string"], "minimum": 0, "description": "USD, at most nine decimals."}


def _key_fields() -> dict[str, Schema]:
    schema = msgspec.json.schema_components([KeyFields])[1]["KeyFields"]
    words: dict[str, Schema] = {
        "key": {"type": "string", "pattern": "^sk-[!-~]{13,253}$"},
        "key_type": {"enum": ["default", "llm_api"]},
        "duration": _or_null({"type": "string", "pattern": f"^(-1|{_DURATION})$"}),
        "budget_duration": _or_null({"type": "string", "pattern": f"^({_DURATION})$"}),
        "max_budget": _or_null(_AMOUNT),
        "soft_budget": _or_null({**_AMOUNT, "description": f"{_AMOUNT['description']} Below `max_budget`."}),
        "spend": _AMOUNT,
    }
    return {**schema["properties"], **words}


_KEY: Schema = {"type": "string", "minLength": 1, "description": "The key, its hash or its id."}
_KEY_INFO: Mapping[str, Schema] = {
    "id": _TEXT,
    "key_name": _TEXT,
    "key_alias": _or_null(_TEXT),
    "spend": _MONEY,
    "total_spend": _MONEY,
    "expires": _or_null(_MOMENT),
    "models": _list(_TEXT),
    "aliases": _OBJECT,
    "user_id": _or_null(_TEXT),
    "team_id": _or_null(_TEXT),
    "organization_id": _or_null(_TEXT),
    "allowed_routes": _list(_TEXT),
    "tags": _list(_TEXT),
    "metadata": _OBJECT,
    "blocked": _FLAG,
    **dict.fromkeys(("max_budget", "soft_budget"), _or_null(_MONEY)),
    "budget_duration": _or_null(_TEXT),
    "budget_reset_at": _or_null(_MOMENT),
    **dict.fromkeys(("rpm_limit", "tpm_limit", "max_parallel_requests"), _or_null(_SIZE)),
    "token_rate_limit_type": {"enum": ["total", "input", "output"]},
    **dict.fromkeys(("budget_id", "litellm_budget_table", "object_permission"), _NULL),
    **dict.fromkeys(("config", "permissions", "model_max_budget", "model_spend"), _OBJECT),
    "allowed_cache_controls": _list(_TEXT),
    "created_at": _MOMENT,
    "created_by": _TEXT,
    "updated_at": _MOMENT,
    "updated_by": _TEXT,
    "version": _COUNT,
}
_KEY_ROW: Mapping[str, Schema] = {"token": _HASH, **_KEY_INFO}
_FIELDS = _key_fields()
_CREATED = {name: schema for name, schema in _FIELDS.items() if name != "expected_version"}
KEY_BODIES: Mapping[str, Schema] = {
    "/key/generate": {"type": "object", "properties": _CREATED},
    "/key/update": {
        "type": "object",
        "properties": {**_FIELDS, "key": _KEY},
        "anyOf": [{"required": ["key"]}, {"required": ["key_alias"], "properties": {"key_alias": _TEXT}}],
    },
    "/key/delete": {
        "type": "object",
        "properties": {name: _or_null(_list(_TEXT, maxItems=1000)) for name in ("keys", "key_aliases")},
        "anyOf": [{"required": [name], "properties": {name: _list(_TEXT, minItems=1)}} for name in ("keys", "key_aliases")],
    },
    "/key/block": {"type": "object", "required": ["key"], "properties": {"key": _KEY}},
    "/key/unblock": {"type": "object", "required": ["key"], "properties": {"key": _KEY}},
}
"""Bodies by path."""

_CHECKED = _closed({"compared": _SIZE, "differing": _SIZE})
_DIFFERENCE = _closed(
    {
        "comparison": {"enum": ["daily_totals", "lifetime", "windows"]},
        "day": _or_null(_DAY),
        "key_id": _or_null(_TEXT),
        **dict.fromkeys(("expected", "found"), _MONEY),
        "difference_nano": {"type": "integer"},
    }
)
_PAIRS = dict.fromkeys(("daily_totals", "lifetime", "windows"), _CHECKED)
ANSWERS: Mapping[str, Schema] = {
    "/key/generate": _closed({"key": _TEXT, "token_id": _HASH, **_KEY_ROW}),
    "/key/info": _closed({"key": _HASH, "info": _closed(_KEY_INFO)}),
    "/key/list": _closed(
        {"keys": _list({"anyOf": [_HASH, _closed(_KEY_ROW)]}), "total_count": _SIZE, "current_page": _COUNT, "total_pages": _SIZE}
    ),
    "/key/update": _closed({"key": _HASH, **_KEY_ROW}),
    "/key/delete": _closed({"deleted_keys": _list(_HASH)}),
    "/key/block": _closed({"key": _HASH, **_KEY_ROW}),
    "/key/unblock": _closed({"key": _HASH, **_KEY_ROW}),
    "/spend/reconcile": _closed(
        {
            "is_balanced": _FLAG,
            "differences": _list(_DIFFERENCE),
            "checked": _closed({"start_date": _DAY, "end_date": _DAY, **_PAIRS}),
        }
    ),
}
"""Good answers by path."""

_STATE: Schema = {"enum": ["active", "expired"]}
_LISTED: Mapping[str, Schema] = {
    "page": _COUNT,
    "size": {"type": "integer", "minimum": 1, "maximum": 100},
    **dict.fromkeys(("user_id", "team_id", "organization_id", "key_alias", "search"), _NAME),
    "key_hash": {"type": "string", "description": "The key or its hash."},
    **dict.fromkeys(("substring_matching", "return_full_object", "include_team_keys", "include_created_by_keys"), _FLAG),
    "status": _STATE,
    "expires": _STATE,
}
QUERIES: Mapping[str, Mapping[str, Schema]] = {
    "/key/info": {"key": _KEY},
    "/key/list": _LISTED,
    "/spend/reconcile": {"start_date": _DAY, "end_date": _DAY},
}
"""Parameters of the query by path."""
