"""Taking fields: types, paths, what is left."""

from decimal import Decimal

import pytest

from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields, type_name


def test_taken_fields_are_gone_and_null_counts_as_absent() -> None:
    fields = Fields({"model": "m", "n": None, "other": 1})
    assert (fields.text("model"), fields.integer("n"), fields.text("absent")) == ("m", None, None)
    assert fields.values == {"other": 1}


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("text", 1, "expected a string, but got an integer"),
        ("integer", True, "expected an integer, but got a boolean"),
        ("integer", Decimal("1.5"), "expected an integer, but got a number"),
        ("number", "1", "expected a number, but got a string"),
        ("boolean", 0, "expected a boolean, but got an integer"),
        ("array", {}, "expected an array, but got an object"),
        ("mapping", [], "expected an object, but got an array"),
    ],
)
def test_wrong_type_names_the_path_and_both_types(kind: str, value: object, message: str) -> None:
    fields = Fields({"field": value}, "messages.[0]")
    with pytest.raises(InvalidRequestError, match=message) as caught:
        getattr(fields, kind)("field")
    assert (caught.value.param, caught.value.code) == ("messages.[0].field", "invalid_type")


def test_whole_number_with_a_point_is_an_integer() -> None:
    assert Fields({"n": Decimal("16.0")}).integer("n") == 16


def test_required_field_that_is_absent_is_named() -> None:
    with pytest.raises(InvalidRequestError, match=r"Missing required parameter: 'model'\.") as caught:
        Fields({}).required_text("model")
    assert (caught.value.param, caught.value.code) == ("model", "missing_required_parameter")


def test_list_elements_are_checked_at_their_own_path_in_either_style() -> None:
    with pytest.raises(InvalidRequestError) as openai:
        Fields({"stop": ["a", 2]}).texts("stop")
    with pytest.raises(InvalidRequestError) as anthropic:
        Fields({"tools": [{}, 2]}, index="{}").objects("tools")
    assert (openai.value.param, anthropic.value.param) == ("stop.[1]", "tools.1")


def test_inner_object_is_not_changed_by_taking() -> None:
    inner: dict[str, object] = {"a": 1}
    Fields({"x": inner}).inside(inner, "x").integer("a")
    assert inner == {"a": 1}


def test_type_names_are_jsons() -> None:
    values: list[object] = [None, True, 1, Decimal("0.5"), "a", [], {}]
    assert [type_name(value) for value in values] == [
        "null",
        "a boolean",
        "an integer",
        "a number",
        "a string",
        "an array",
        "an object",
    ]
