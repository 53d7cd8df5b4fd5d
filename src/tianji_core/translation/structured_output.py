"""Answers in a given shape, where the provider has a narrower JSON schema than OpenAI, or none at all.

Source: Anthropic's documentation of structured outputs and the schema transformation of its Python SDK.
"""

from collections.abc import Mapping

from tianji_core.wire.json import encode

JSON_TOOL = "json_tool_call"
"""The tool that a model without structured output is made to call; its arguments are the answer."""

_REMOVED = (
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedItems",
    "unevaluatedProperties",
    "if",
    "then",
    "else",
    "not",
)
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "allOf")


def fit_schema(schema: Mapping[str, object]) -> dict[str, object]:
    """Return the schema in Anthropic's subset.

    A keyword that it refuses is removed and told in the node's `description`, so that the model may still follow it. `oneOf` becomes
    `anyOf`; every object is closed.
    """
    node = {name: value for name, value in schema.items() if not _is_removed(name, value)}
    told = [f"{name}: {_told(value)}" for name, value in schema.items() if _is_removed(name, value)]
    _join_one_of(node)
    for name in _NAMED:
        group = node.get(name)
        if isinstance(group, dict):
            node[name] = {key: _fit(value) for key, value in group.items()}
    for name in _LISTED:
        group = node.get(name)
        if isinstance(group, list):
            node[name] = [_fit(value) for value in group]
    if "items" in node:
        node["items"] = _fit(node["items"])
    if _is_object(node):
        node["additionalProperties"] = False
    if told:
        given = node.get("description")
        node["description"] = (f"{given}\n\n" if isinstance(given, str) and given else "") + "{" + ", ".join(told) + "}"
    return node


def without_keywords(schema: Mapping[str, object], keywords: frozenset[str]) -> Mapping[str, object]:
    """Return the schema without these keywords, at every depth. `additionalProperties` goes only where it is false: else it is a schema.

    Names of properties are no keywords, whatever they are.
    """
    if not keywords:
        return schema
    refused = {name for name, value in schema.items() if name in keywords and (name != "additionalProperties" or value is False)}
    return {name: _below(name, value, keywords) for name, value in schema.items() if name not in refused}


def _below(keyword: str, value: object, keywords: frozenset[str]) -> object:
    """Return what stands at a keyword; values that are no schemas (`enum`, `default`, …) stay as they are."""
    if keyword in _NAMED and isinstance(value, dict):
        return {name: _bare(item, keywords) for name, item in value.items()}
    if keyword in (*_LISTED, "oneOf", "prefixItems") and isinstance(value, list):
        return [_bare(item, keywords) for item in value]
    return _bare(value, keywords) if keyword in ("items", "additionalProperties", "not") else value


def _bare(value: object, keywords: frozenset[str]) -> object:
    return without_keywords(value, keywords) if isinstance(value, dict) else value


def tool_schema(schema: Mapping[str, object] | None) -> dict[str, object]:
    """Return a function's parameters as a tool's input schema, which must be an object."""
    if not schema:
        return {"type": "object", "properties": {}}
    return dict(schema) if "type" in schema else {"type": "object", **schema}


def _is_removed(name: str, value: object) -> bool:
    return name in _REMOVED or (name == "minItems" and value not in (0, 1))


def _join_one_of(node: dict[str, object]) -> None:
    one_of = node.pop("oneOf", None)
    if not isinstance(one_of, list):
        return
    if "anyOf" not in node:
        node["anyOf"] = one_of
        return
    both = node.get("allOf")
    node["allOf"] = [*(both if isinstance(both, list) else []), {"anyOf": one_of}]


def _is_object(node: Mapping[str, object]) -> bool:
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or ("properties" in node and kind is None)


def _fit(value: object) -> object:
    return fit_schema(value) if isinstance(value, dict) else value


def _told(value: object) -> str:
    return value if isinstance(value, str) else encode(value).decode()
