"""Values in the type of their key."""

from decimal import Decimal
from typing import get_args

import pytest

from tianji_core.calls.secret import Secret
from tianji_core.config.nodes import Node, Scalar
from tianji_core.config.problems import Place, Problems
from tianji_core.config.schema.keys import Key, Kind
from tianji_core.config.typed import WrongValueError, typed
from tianji_core.config.yaml_source import read_yaml


def _node(text: str) -> Node:
    tree = read_yaml("a", f"a: {text}", Problems())
    assert tree is not None
    return tree.entries["a"].node


def _typed(text: str, kind: Kind) -> object:
    return typed(_node(text), Key(name="a", kind=kind))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("x", "text", "x"),
        ("x", "secret", Secret("x")),
        ("off", "flag", False),
        ("3", "whole", 3),
        ("3.0", "whole", 3),
        ("0.5", "number", Decimal("0.5")),
        ("3", "seconds", 3.0),
        ("3", "seconds_or_off", 3.0),
        ("off", "seconds_or_off", False),
        ("'3e-7'", "price", Decimal("3e-7")),
        ("3", "price", Decimal(3)),
        ("[a, b]", "texts", ("a", "b")),
        ("a", "names", ("a",)),
        ("[a]", "names", ("a",)),
        ("true", "flag_or_text", True),
        ("x", "flag_or_text", "x"),
    ],
)
def test_values_become_the_type_of_their_key(text: str, kind: Kind, value: object) -> None:
    read = _typed(text, kind)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("sk-secret", "flag", "true or false, found text"),
        ("sk-secret", "whole", "a whole number, found text"),
        ("3.5", "whole", "a whole number, found a number with a fraction"),
        ("true", "whole", "a whole number, found true or false"),
        ("'3'", "number", "a number, found text"),
        ("12345", "secret", "text, found a whole number; put it into quotes"),
        ("1.0", "text", "text, found a number with a fraction; put it into quotes"),
        ("[a]", "text", "text, found a list"),
        ("a", "texts", "a list of texts, found text"),
        ("[1]", "texts", "a list of texts, found a list"),
        ("x", "price", "a number, found text"),
        ("x", "map", "a map, found text"),
        ("{}", "list", "a list, found a map"),
    ],
)
def test_another_type_is_an_error_that_shows_no_value(text: str, kind: Kind, expected: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        _typed(text, kind)
    assert str(caught.value) == f"expected {expected}"


@pytest.mark.parametrize(
    ("text", "kind", "value"), [("12", "whole", 12), ("yes", "flag", True), ("1.5", "seconds", 1.5), ("12", "text", "12")]
)
def test_text_from_a_reference_is_converted(text: str, kind: Kind, value: object) -> None:
    node = Scalar(place=Place(file="a", line=1), value=text, text=text, reference="$X")
    assert typed(node, Key(name="a", kind=kind)) == value


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("-1", Key(name="a", kind="whole", at_least=0), "must be at least 0"),
        ("0", Key(name="a", kind="seconds", more_than=0), "must be more than 0"),
        ("9", Key(name="a", kind="number", at_most=8), "must be at most 8"),
        ("1" + "0" * 20, Key(name="a", kind="whole"), "must be at most 1000000000000000"),
        ("x", Key(name="a", kind="text", choices=("y", "z")), "must be one of `y`, `z`"),
        ("[y, x]", Key(name="a", kind="names", choices=("y", "z")), "must be one of `y`, `z`"),
        ("x", Key(name="a", kind="flag_or_text", choices=("y",)), "must be true, false or `y`"),
    ],
)
def test_values_out_of_range_say_what_is_allowed(text: str, key: Key, message: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        typed(_node(text), key)
    assert str(caught.value) == message


def _answer(text: str, kind: Kind) -> object:
    try:
        return _typed(text, kind)
    except WrongValueError as error:
        return str(error).partition(" ")[0]


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("text", ["x", "1", "1.5", "true", "null", "[]", "[1]", "{}", "{a: 1}"])
def test_every_kind_answers_every_node(kind: Kind, text: str) -> None:
    answer = _answer(text, kind)
    assert answer == "expected" or not isinstance(answer, str) or kind in ("text", "names", "flag_or_text")
    assert answer is not None
