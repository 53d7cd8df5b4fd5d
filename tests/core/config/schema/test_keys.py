"""The tables themselves."""

import pytest

from tianji_core.config.schema import TABLES, Key, Table
from tianji_core.config.schema.keys import table


def test_a_spelling_belongs_to_one_key() -> None:
    with pytest.raises(ValueError, match="share a spelling"):
        table("x", "", [Key(name="a", kind="text"), Key(name="b", kind="text", aliases=("a",))])


def test_a_key_of_ours_is_found_under_its_twin() -> None:
    found = table("x", "", [Key(name="tianji_a", kind="text", aliases=("b",))])
    assert list(found.by_spelling) == ["tianji_a", "litellm_a", "b"]


@pytest.mark.parametrize("block", TABLES, ids=lambda block: block.path)
def test_every_built_key_says_what_it_means(block: Table) -> None:
    assert [key.name for key in block.keys if key.status in ("built", "weights") and not key.meaning] == []


@pytest.mark.parametrize("block", TABLES, ids=lambda block: block.path)
def test_a_choice_is_never_neutral_and_unbuilt(block: Table) -> None:
    assert [key.name for key in block.keys if key.choices and key.status != "built"] == []
