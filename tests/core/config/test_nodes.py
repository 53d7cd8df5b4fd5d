"""The tree's helpers."""

import pytest

from tianji_core.config.nodes import Node, is_empty, kind_of, plain
from tianji_core.config.problems import Problems
from tianji_core.config.yaml_source import read_yaml


def _node(text: str) -> Node:
    tree = read_yaml("a", f"a: {text}", Problems())
    assert tree is not None
    return tree.entries["a"].node


@pytest.mark.parametrize("text", ["", "null", "''", "[]", "{}"])
def test_what_says_nothing_is_empty(text: str) -> None:
    assert is_empty(_node(text))


@pytest.mark.parametrize("text", ["0", "false", "x", "[null]", "{a: null}"])
def test_zero_and_false_are_values(text: str) -> None:
    assert not is_empty(_node(text))


def test_plain_gives_the_json_like_value() -> None:
    assert plain(_node("{b: [1, {c: x}]}")) == {"b": (1, {"c": "x"})}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "a list"),
        ("{a: 1}", "a map"),
        ("true", "true or false"),
        ("1", "a whole number"),
        ("1.5", "a number with a fraction"),
        ("null", "nothing"),
        ("sk-secret", "text"),
    ],
)
def test_the_kind_of_a_node_is_told_without_its_content(text: str, words: str) -> None:
    assert kind_of(_node(text)) == words
