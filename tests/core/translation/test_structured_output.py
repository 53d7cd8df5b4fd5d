"""Schemas in the subset that Anthropic takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.translation.structured_output import fit_schema, tool_schema, without_keywords


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        ({"type": "string"}, {"type": "string"}),
        ({"type": "object"}, {"type": "object", "additionalProperties": False}),
        ({"type": ["object", "null"]}, {"type": ["object", "null"], "additionalProperties": False}),
        ({"properties": {}}, {"properties": {}, "additionalProperties": False}),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"type": "object", "additionalProperties": False}),
        ({"type": "integer", "minimum": 1, "maximum": 5}, {"type": "integer", "description": "{minimum: 1, maximum: 5}"}),
        ({"type": "string", "maxLength": 3, "description": "A code."}, {"type": "string", "description": "A code.\n\n{maxLength: 3}"}),
        ({"type": "array", "minItems": 1}, {"type": "array", "minItems": 1}),
        ({"type": "array", "minItems": 2}, {"type": "array", "description": "{minItems: 2}"}),
        ({"oneOf": [{"type": "null"}]}, {"anyOf": [{"type": "null"}]}),
        (
            {"anyOf": [{"type": "null"}], "oneOf": [{"type": "string"}]},
            {"anyOf": [{"type": "null"}], "allOf": [{"anyOf": [{"type": "string"}]}]},
        ),
        (
            {"$defs": {"A": {"type": "number", "multipleOf": 2}}, "type": "array", "items": {"$ref": "#/$defs/A"}},
            {"$defs": {"A": {"type": "number", "description": "{multipleOf: 2}"}}, "type": "array", "items": {"$ref": "#/$defs/A"}},
        ),
        (
            {"type": "object", "properties": {"maximum": {"type": "array", "items": {"type": "object"}}}},
            {
                "type": "object",
                "properties": {"maximum": {"type": "array", "items": {"type": "object", "additionalProperties": False}}},
                "additionalProperties": False,
            },
        ),
        ({"type": "string", "not": {"const": "x"}}, {"type": "string", "description": '{not: {"const":"x"}}'}),
        (
            {"type": "string", "enum": ["a"], "format": "date", "default": "a"},
            {"type": "string", "enum": ["a"], "format": "date", "default": "a"},
        ),
    ],
)
def test_what_is_not_taken_is_told_in_words(schema: dict[str, Any], fitted: dict[str, Any]) -> None:
    assert fit_schema(schema) == fitted


_schemas = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer"])}, optional={"minimum": st.integers(0, 9)}),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3)}),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.integers(0, 9)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
    ),
    max_leaves=8,
)


@given(_schemas)
def test_fitted_schema_needs_no_more_fitting(schema: dict[str, Any]) -> None:
    fitted = fit_schema(schema)
    assert fit_schema(fitted) == fitted


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        ({"type": "object", "required": ["a"]}, {"type": "object", "required": ["a"]}),
    ],
)
def test_parameters_of_a_function_are_always_an_object(parameters: dict[str, Any] | None, schema: dict[str, Any]) -> None:
    assert tool_schema(parameters) == schema


def test_keywords_go_at_every_depth_and_names_of_properties_stay() -> None:
    inner = {"type": "object", "$id": "x", "additionalProperties": False, "properties": {"$id": {"enum": ["$id"]}}}
    schema = {
        "$schema": "s",
        "properties": {"a": inner, "b": {"type": "array", "items": inner}},
        "anyOf": [inner],
        "additionalProperties": {"$id": "y", "type": "string"},
        "default": {"$id": "kept"},
    }
    bare = {"type": "object", "properties": {"$id": {"enum": ["$id"]}}}
    assert without_keywords(schema, frozenset({"$id", "$schema", "additionalProperties"})) == {
        "properties": {"a": bare, "b": {"type": "array", "items": bare}},
        "anyOf": [bare],
        "additionalProperties": {"type": "string"},
        "default": {"$id": "kept"},
    }
    assert without_keywords(schema, frozenset()) is schema
