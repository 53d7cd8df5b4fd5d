"""Files that include files."""

import pytest

from support.configuration import MASTER_KEY, load_texts
from tianji_core.config.merge import MAX_FILES, NeedFiles, SourceFile, assemble, beside
from tianji_core.config.nodes import MapNode, plain
from tianji_core.config.problems import ConfigurationErrors, Problems


def _assemble(files: dict[str, str]) -> tuple[object, Problems]:
    problems = Problems()
    tree = assemble(next(iter(files)), {path: SourceFile(text=text) for path, text in files.items()}, problems)
    return (plain(tree) if isinstance(tree, MapNode) else tree), problems


def test_the_core_asks_for_the_files_it_lacks() -> None:
    assert _assemble({"etc/a.yaml": "include: [b.yaml, ../c.yaml, /d.yaml]"})[0] == NeedFiles(paths=("etc/b.yaml", "c.yaml", "/d.yaml"))


def test_nothing_but_the_root_is_asked_for_first() -> None:
    assert assemble("a.yaml", {}, Problems()) == NeedFiles(paths=("a.yaml",))


def test_lists_are_joined_and_maps_merged_in_order() -> None:
    tree, problems = _assemble(
        {
            "a.yaml": "include: [b.yaml, c.yaml]\nlist: [1]\nmap: {x: {p: 1}}\n",
            "b.yaml": "list: [2]\nmap: {x: {q: 2}}\n",
            "c.yaml": "list: [3]\nmap: {y: 3}\n",
        }
    )
    assert tree == {"list": (1, 2, 3), "map": {"x": {"p": 1, "q": 2}, "y": 3}}
    assert problems.warnings == []


def test_of_two_values_the_later_wins_with_a_warning() -> None:
    tree, problems = _assemble({"a.yaml": "include: [b.yaml]\nx: 1\ny: same\n", "b.yaml": "\nx: 2\ny: same\n"})
    assert tree == {"x": 2, "y": "same"}
    assert [str(warning) for warning in problems.warnings] == ["b.yaml:2: `x` replaces the value of a.yaml:2"]


def test_includes_are_relative_to_the_file_that_has_them() -> None:
    tree, _ = _assemble({"a.yaml": "include: [p/b.yaml]", "p/b.yaml": "include: [c.yaml]\nb: 1", "p/c.yaml": "c: 1"})
    assert tree == {"b": 1, "c": 1}


def test_a_circle_is_an_error_that_shows_the_way_round() -> None:
    _, problems = _assemble({"a.yaml": "include: [b.yaml]", "b.yaml": "x: 1\ninclude:\n  - a.yaml"})
    assert [str(error) for error in problems.errors] == ["b.yaml:3: files include each other in a circle: a.yaml → b.yaml → a.yaml"]


def test_a_file_that_is_included_twice_counts_once() -> None:
    tree, problems = _assemble({"a.yaml": "include: [b.yaml, c.yaml]", "b.yaml": "include: [c.yaml]", "c.yaml": "list: [1]"})
    assert tree == {"list": (1,)}
    assert ["included more than once" in str(warning) for warning in problems.warnings] == [True]


@pytest.mark.parametrize("value", ["b.yaml", "{a: 1}", "[1]", "[[b.yaml]]", "['']"])
def test_include_must_be_a_list_of_paths(value: str) -> None:
    _, problems = _assemble({"a.yaml": f"include: {value}"})
    assert [str(error) for error in problems.errors] == ["a.yaml:1: `include` must be a list of paths"]


def test_too_many_files_are_refused() -> None:
    names = [f"f{i}.yaml" for i in range(MAX_FILES)]
    _, problems = _assemble({"a.yaml": f"include: [{', '.join(names)}]", **dict.fromkeys(names, "x: 1")})
    assert [f"at most {MAX_FILES} files" in str(error) for error in problems.errors] == [True]


def test_a_file_that_cannot_be_read_is_an_error_at_the_line_that_names_it() -> None:
    sources = {"a.yaml": SourceFile(text="\ninclude: [b.yaml]"), "b.yaml": SourceFile(problem="no such file")}
    with pytest.raises(ConfigurationErrors) as caught:
        assemble("a.yaml", sources, Problems())
    assert str(caught.value.errors[0]).startswith("a.yaml:2: `b.yaml` cannot be read: no such file")


def test_errors_of_all_files_are_told_together() -> None:
    with pytest.raises(ConfigurationErrors) as caught:
        load_texts({"a.yaml": "include: [b.yaml]\nx: [", "b.yaml": ""}, {"TIANJI_MASTER_KEY": MASTER_KEY})
    assert [error.file for error in caught.value.errors] == ["a.yaml"]
    with pytest.raises(ConfigurationErrors) as caught:
        load_texts({"a.yaml": "include: [b.yaml, c.yaml]", "b.yaml": "x: [", "c.yaml": "y: {"})
    assert [error.file for error in caught.value.errors] == ["b.yaml", "c.yaml"]


def test_a_path_stands_beside_the_file_that_names_it() -> None:
    assert beside("/etc/tianji/config.yaml", "ca.pem") == "/etc/tianji/ca.pem"
    assert beside("config.yaml", "ca.pem") == "ca.pem"
    assert beside("config.yaml", "/ca.pem") == "/ca.pem"
