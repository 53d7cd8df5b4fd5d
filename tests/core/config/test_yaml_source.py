"""YAML text to nodes."""

from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.config.nodes import Entry, MapNode, Scalar, plain
from tianji_core.config.problems import Problems
from tianji_core.config.yaml_source import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_yaml


def _read(text: str) -> tuple[object, list[str]]:
    problems = Problems()
    tree = read_yaml("a.yaml", text, problems)
    return (plain(tree) if tree is not None else None), [str(error) for error in problems.errors]


def _error(text: str) -> str:
    tree, errors = _read(text)
    assert tree is None
    assert len(errors) == 1
    return errors[0]


def _entry(tree: MapNode | None, *path: str) -> Entry:
    assert tree is not None
    entry = tree.entries[path[0]]
    return _entry(entry.node, *path[1:]) if len(path) > 1 and isinstance(entry.node, MapNode) else entry


def test_values_keep_their_types_and_fractions_stay_exact() -> None:
    tree, errors = _read("a: 1\nb: 0.1\nc: text\nd: [true, null, '1']\ne: {f: 3e-7}\n")
    assert tree == {"a": 1, "b": Decimal("0.1"), "c": "text", "d": (True, None, "1"), "e": {"f": Decimal("3e-7")}}
    assert errors == []


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "~"])
def test_an_empty_file_is_an_empty_map(text: str) -> None:
    assert _read(text) == ({}, [])


def test_each_key_and_value_knows_its_line() -> None:
    tree = read_yaml("a.yaml", "one: 1\ntwo:\n  three:\n    3\n", Problems())
    assert str(_entry(tree, "two", "three").place) == "a.yaml:3"
    node = _entry(tree, "two", "three").node
    assert isinstance(node, Scalar)
    assert str(node.place) == "a.yaml:4"


def test_two_equal_keys_are_an_error_that_names_both_lines() -> None:
    _, errors = _read("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert errors == ["a.yaml:4: `b` stands twice: also in line 2"]


def test_every_pair_of_equal_keys_is_reported() -> None:
    assert len(_read("a: 1\na: 2\nb: 1\nb: 2\n")[1]) == 2


def test_what_is_not_yaml_is_an_error_with_its_line() -> None:
    assert _error("a: 1\nb: [1, 2\nc: 3\n").startswith("a.yaml:3: this is not valid YAML: ")


def test_characters_that_yaml_does_not_allow_are_an_error() -> None:
    assert "characters that YAML does not allow" in _error("a: \x01")


def test_a_second_document_is_an_error() -> None:
    assert _error("a: 1\n---\nb: 2\n") == "a.yaml:2: the file holds more than one YAML document"


@pytest.mark.parametrize("text", ["- 1\n", "text", "3"])
def test_a_file_that_is_no_map_is_an_error(text: str) -> None:
    assert "must be a map" in _error(text)


@pytest.mark.parametrize("text", ["{[a]: 1}", "{{a: 1}: 1}", "b: &x 1\n*x : 2"])
def test_a_key_must_be_text(text: str) -> None:
    assert "a key must be text" in _error(text)


@pytest.mark.parametrize("text", ["a: !!python/object:os.system x", "a: !!set {b}", "a: !own 1", "a: !!binary aGk=", "a: !!int x"])
def test_tags_beyond_json_are_refused(text: str) -> None:
    assert "tag" in _error(text)


def test_anchors_aliases_and_merge_keys_work_and_own_keys_win() -> None:
    tree, errors = _read("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nown: {<<: [*b, *m], x: 9}\nsame: *b\n")
    assert errors == []
    assert isinstance(tree, dict)
    assert tree["own"] == {"x": 9, "y": 2, "z": 4}
    assert tree["same"] == {"x": 1, "y": 2}


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert _read("{'<<': 1}") == ({"<<": 1}, [])


def test_a_merge_key_takes_maps_only() -> None:
    assert "`<<` takes a map" in _error("a: {<<: 1}")


def test_an_alias_without_anchor_is_an_error() -> None:
    assert "does not exist" in _error("a: *b")


def test_an_alias_inside_its_own_anchor_is_an_error() -> None:
    assert "inside its own anchor" in _error("a: &a [1, *a]")


def test_aliases_that_expand_without_bound_are_refused() -> None:
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 9))
    assert f"more than {MAX_NODES} values" in _error("l0: &l0 [x]\n" + levels)


def test_deep_nesting_is_refused_without_exhausting_the_stack() -> None:
    assert f"more than {MAX_DEPTH} levels" in _error("a: " + "[" * 100_000)


def test_nesting_by_aliases_counts_as_nesting() -> None:
    step = MAX_DEPTH // 2
    text = f"a: &a {'[' * step}{']' * step}\nb: {'[' * step}*a{']' * step}\n"
    assert f"more than {MAX_DEPTH} levels" in _error(text)


def test_a_file_above_the_limit_is_refused() -> None:
    assert f"larger than {MAX_BYTES} bytes" in _error("a: " + "x" * MAX_BYTES)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text("abc :#-{}[]'\"\n\té", max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text("abcde", min_size=1), children, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcde", min_size=1), _JSON, max_size=5))
def test_what_pyyaml_writes_reads_back_equal(value: dict[str, object]) -> None:
    def lists(item: object) -> object:
        if isinstance(item, tuple):
            return [lists(part) for part in item]
        return {name: lists(part) for name, part in item.items()} if isinstance(item, dict) else item

    tree, errors = _read(yaml.safe_dump(value, allow_unicode=True))
    assert errors == []
    assert lists(tree) == value
