"""Tool call ids that the next provider accepts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.translation.tool_call_ids import ANTHROPIC, MISTRAL, OPENAI, ToolCallIdRule, fit_tool_call_id, missing_tool_call_id

_FORMS = {"anthropic": (ANTHROPIC, r"[a-zA-Z0-9_-]+"), "openai": (OPENAI, r"\S{1,40}"), "mistral": (MISTRAL, r"[a-zA-Z0-9]{9}")}


@pytest.mark.parametrize("name", sorted(_FORMS))
@given(call_id=st.text(max_size=80))
def test_fitted_id_is_legal_and_stays_what_it_is(name: str, call_id: str) -> None:
    rule, form = _FORMS[name]
    fitted = fit_tool_call_id(call_id, rule)
    assert re.fullmatch(form, fitted)
    assert fit_tool_call_id(fitted, rule) == fitted


@pytest.mark.parametrize(
    ("call_id", "rule"), [("toolu_01-x", ANTHROPIC), ("call_1", OPENAI), ("aB3dE6gH9", MISTRAL), ("functions.f:0", OPENAI)]
)
def test_legal_id_is_left_alone(call_id: str, rule: ToolCallIdRule) -> None:
    assert fit_tool_call_id(call_id, rule) == call_id


def test_two_ids_that_differ_in_illegal_characters_do_not_meet() -> None:
    one, two = fit_tool_call_id("functions.f:0", ANTHROPIC), fit_tool_call_id("functions.f.0", ANTHROPIC)
    assert one != two
    assert one.startswith("functions_")
    assert two.startswith("functions_")


def test_id_without_a_legal_beginning_gets_one() -> None:
    assert fit_tool_call_id("é", ANTHROPIC).startswith("call_")
    assert fit_tool_call_id("", ANTHROPIC).startswith("call_")


def test_signature_behind_an_id_is_no_part_of_it() -> None:
    assert fit_tool_call_id("call_1__thought__QUJD", ANTHROPIC) == "call_1"


def test_missing_id_depends_on_call_choice_and_position() -> None:
    ids = {missing_tool_call_id(call, choice, position) for call in ("a", "b") for choice in (0, 1) for position in (0, 1)}
    assert len(ids) == 8
    assert all(re.fullmatch(r"call_[0-9a-f]{24}", made) for made in ids)
