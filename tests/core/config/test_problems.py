"""Collecting errors and warnings."""

import pytest

from tianji_core.config.problems import ConfigurationErrors, Place, Problems
from tianji_core.errors import ConfigurationError


def _place(line: int, file: str = "a.yaml") -> Place:
    return Place(file=file, line=line)


def test_errors_are_told_together_by_file_and_line() -> None:
    problems = Problems()
    problems.error(_place(1, "b.yaml"), "third")
    problems.error(_place(9), "second", "do this")
    problems.error_without_place("first")
    with pytest.raises(ConfigurationErrors) as caught:
        problems.raise_if_any()
    assert str(caught.value) == "the configuration has 3 errors:\n  first\n  a.yaml:9: second (do this)\n  b.yaml:1: third"
    assert [error.message for error in caught.value.errors] == ["first", "second", "third"]
    assert isinstance(caught.value, ConfigurationError)


def test_without_errors_nothing_is_raised() -> None:
    problems = Problems()
    problems.warn(_place(1), "careful")
    problems.raise_if_any()
    assert [str(warning) for warning in problems.warnings] == ["a.yaml:1: careful"]


def test_a_name_is_warned_of_once() -> None:
    problems = Problems()
    problems.warn_once("x", _place(1), "first")
    problems.warn_once("x", _place(2), "again")
    assert len(problems.warnings) == 1


def test_a_message_is_one_printable_line_of_bounded_length() -> None:
    problems = Problems()
    problems.error(_place(1), "key\n\x1b[31m" + "x" * 10_000)
    message = problems.errors[0].message
    assert "\n" not in message
    assert "\x1b" not in message
    assert len(message) == 500
