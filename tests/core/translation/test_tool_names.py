"""Tool names that the API accepts, and their way back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.translation.tool_names import ToolNames

_LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def test_legal_name_keeps_itself_even_when_another_would_become_it() -> None:
    names = ToolNames.of(["a.b", "a_b", "a/b"])
    assert names["a_b"] == "a_b"
    assert len({names["a.b"], names["a_b"], names["a/b"]}) == 3


def test_long_name_keeps_its_beginning() -> None:
    name = "x" * 70
    assert ToolNames.of([name])[name].startswith("x" * 55 + "_")


@given(st.lists(st.text(min_size=1, max_size=80), max_size=8))
def test_every_name_is_legal_and_finds_its_way_back(given_names: list[str]) -> None:
    names = ToolNames.of(given_names)
    back = names.changed()
    for name in given_names:
        assert _LEGAL.fullmatch(names[name])
        assert back.get(names[name], names[name]) == name
