"""Near misses."""

import pytest

from tianji_core.config.spelling import is_one_edit_away, suggestion, twin


@pytest.mark.parametrize(
    ("name", "other"),
    [("api_kye", "api_key"), ("api_ke", "api_key"), ("api_keyy", "api_key"), ("apo_key", "api_key"), ("pi_key", "api_key"), ("xa", "ax")],
)
def test_one_edit_is_found_in_both_directions(name: str, other: str) -> None:
    assert is_one_edit_away(name, other)
    assert is_one_edit_away(other, name)


@pytest.mark.parametrize(
    ("name", "other"), [("api_key", "api_key"), ("top_k", "top_p2"), ("abcd", "badc"), ("", "ab"), ("temperature", "tpm")]
)
def test_more_or_no_edits_are_not_one(name: str, other: str) -> None:
    assert not is_one_edit_away(name, other)


def test_the_nearest_known_name_is_suggested() -> None:
    assert suggestion("mastr_key", ["master_key", "database_url"]) == "master_key"
    assert suggestion("zebra", ["master_key", "database_url"]) is None


def test_each_name_of_ours_has_its_twin() -> None:
    assert twin("tianji_params") == "litellm_params"
    assert twin("default_tianji_params") == "default_litellm_params"
    assert twin("model") is None
