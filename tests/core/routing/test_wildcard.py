"""Model names with `*`."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import InvalidRequestError
from tianji_core.routing.wildcard import Pattern, check_name, compile_pattern, fill, matches


def compiled(name: str) -> Pattern:
    pattern = compile_pattern(name)
    assert pattern is not None
    return pattern


def test_a_name_without_a_star_is_no_pattern() -> None:
    assert compile_pattern("gpt-4o") is None


@pytest.mark.parametrize(
    ("pattern", "name", "captures"),
    [
        ("openai/*", "openai/gpt-4o", ("gpt-4o",)),
        ("openai/*", "openai/", ("",)),
        ("*", "anything", ("anything",)),
        ("openai/*-mini", "openai/x-mini", ("x",)),
        ("openai/*-mini", "openai/x-mini-y", None),
        ("openai/*", "xopenai/gpt", None),
        ("*-eu-*", "gpt-eu-west-eu-1", ("gpt-eu-west", "1")),
        ("a*a", "a", None),
        ("a*a", "aa", ("",)),
        ("gpt-4.1*", "gpt-4x1-mini", None),
        ("a.*", "abc", None),
    ],
)
def test_a_pattern_matches_the_whole_name_and_everything_but_the_star_is_literal(
    pattern: str, name: str, captures: tuple[str, ...] | None
) -> None:
    assert compiled(pattern).match(name) == captures


@given(pattern=st.text(alphabet="ab*", min_size=1, max_size=8).filter(lambda text: "*" in text), name=st.text(alphabet="ab", max_size=12))
def test_captures_are_those_of_a_greedy_expression(pattern: str, name: str) -> None:
    expression = re.fullmatch(re.escape(pattern).replace(r"\*", "(.*)"), name)
    assert compiled(pattern).match(name) == (expression.groups() if expression else None)


def test_a_pattern_with_many_stars_is_cheap() -> None:
    assert compiled("*a" * 120 + "*b").match("a" * 256) is None


@given(captures=st.lists(st.text(alphabet="xy-", max_size=5), min_size=1, max_size=4))
def test_filling_the_pattern_itself_gives_the_name_back(captures: list[str]) -> None:
    target = "p/" + "/".join("*" for _ in captures)
    filled = fill(target, captures, asked="unused", provider="p")
    assert filled == "p/" + "/".join(captures)


def test_two_stars_are_filled_left_to_right() -> None:
    captures = compiled("eu/*/v*").match("eu/gpt/v4")
    assert captures is not None
    assert fill("*-x-*", captures, asked="eu/gpt/v4", provider="openai") == "gpt-x-4"


def test_a_target_without_a_star_is_sent_as_it_is() -> None:
    assert fill("gpt-4o", ("a", "b"), asked="x", provider="openai") == "gpt-4o"


def test_more_captures_than_stars_send_the_callers_name_without_the_providers_prefix() -> None:
    assert fill("*", ("a", "b"), asked="openai/a-b", provider="openai") == "openai/a-b".removeprefix("openai/")
    assert fill("*", ("a", "b"), asked="mine/a-b", provider="openai") == "mine/a-b"


def test_stars_that_nothing_was_captured_for_stay() -> None:
    assert fill("*-*", ("a",), asked="x", provider="openai") == "a-*"


def test_a_captured_star_is_not_filled_again() -> None:
    assert fill("*-*", ("*", "b"), asked="x", provider="openai") == "*-b"


def test_the_more_specific_pattern_ranks_higher() -> None:
    ranked = sorted(["*", "openai/*", "openai/gpt-*", "openai/*-mini-*"], key=lambda name: compiled(name).rank, reverse=True)
    assert ranked == ["openai/*-mini-*", "openai/gpt-*", "openai/*", "*"]


def test_equal_length_is_decided_by_literal_characters() -> None:
    dashes, letters = compiled("--*"), compiled("abcd*")
    assert dashes.rank[0] == letters.rank[0]
    assert letters.rank > dashes.rank


@pytest.mark.parametrize("name", ["", "a" * 257, "gpt\n4o", "gpt\x00", "gpt\u2028x", "gpt\x7f"])
def test_a_name_that_is_empty_too_long_or_has_control_characters_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_name(name)
    assert caught.value.param == "model"


@pytest.mark.parametrize("name", ["a" * 256, "模型/一", "gpt 4o"])
def test_other_names_pass(name: str) -> None:
    assert check_name(name) == name


def test_an_entry_without_a_star_matches_only_itself() -> None:
    assert matches("gpt-4o", "gpt-4o")
    assert not matches("gpt-4o", "gpt-4o-mini")
    assert matches("gpt-4o*", "gpt-4o-mini")
