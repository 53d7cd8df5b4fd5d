"""One text, several, or token ids."""

import pytest

from tianji_core.dialects.token_inputs import take_inputs, wire_inputs
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields


@pytest.mark.parametrize(
    ("value", "inputs", "single"),
    [
        ("a", ("a",), True),
        ("", ("",), True),
        (["a"], ("a",), False),
        (["a", "b"], ("a", "b"), False),
        ([1, 2], ((1, 2),), True),
        ([[1, 2]], ((1, 2),), False),
        ([[1], [2, 3]], ((1,), (2, 3)), False),
    ],
)
def test_every_form_is_read_and_written_back_as_it_was(value: object, inputs: object, single: bool) -> None:
    body = Fields({"input": value})
    read, was_single = take_inputs(body, "input")
    assert (read, was_single) == (inputs, single)
    written = wire_inputs(read, single=was_single)
    assert written == (value if isinstance(value, str) else tuple(tuple(item) if isinstance(item, list) else item for item in value))  # type: ignore[attr-defined]
    assert body.values == {}


@pytest.mark.parametrize(
    ("value", "param", "code"),
    [
        (None, "input", "missing_required_parameter"),
        (5, "input", "invalid_type"),
        ({"a": 1}, "input", "invalid_type"),
        ([], "input", "invalid_value"),
        (["a", 1], "input.[1]", "invalid_type"),
        ([1, "a"], "input.[1]", "invalid_type"),
        ([1, True], "input.[1]", "invalid_type"),
        ([1, -1], "input.[1]", "invalid_value"),
        ([[1], "a"], "input.[1]", "invalid_type"),
        ([[1], []], "input.[1]", "invalid_value"),
        ([[1, "a"]], "input.[0].[1]", "invalid_type"),
        ([None], "input.[0]", "invalid_type"),
    ],
)
def test_everything_else_is_refused_with_its_place(value: object, param: str, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        take_inputs(Fields({"input": value}), "input")
    assert (caught.value.param, caught.value.code) == (param, code)


def test_too_many_inputs_are_refused_but_one_long_token_list_is_one_input() -> None:
    with pytest.raises(InvalidRequestError):
        take_inputs(Fields({"input": ["a"] * 5}), "input", most=4)
    with pytest.raises(InvalidRequestError):
        take_inputs(Fields({"input": [[1]] * 5}), "input", most=4)
    assert take_inputs(Fields({"input": [1] * 5}), "input", most=4)[0] == ((1,) * 5,)
