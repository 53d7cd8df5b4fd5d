"""Ids that callers choose."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.public_ids import MAX_CHARACTERS, public_id


@pytest.mark.parametrize("text", ["a", "...", "a b", "alice@example.com", "团队", "x" * MAX_CHARACTERS, "a/b?c#d%2F"])
def test_id_is_free(text: str) -> None:
    assert public_id(text) == text


def test_id_is_composed() -> None:
    assert public_id("e\u0301") == "\u00e9"
    assert public_id("e\u0301" * MAX_CHARACTERS) == "\u00e9" * MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 256"),
        ("x" * (MAX_CHARACTERS + 1), "1 to 256"),
        ("a\0", "control"),
        ("a\x7fb", "control"),
        ("a\x85b", "control"),
        ("\ud800", "control"),
        ("a\n", "control"),
        (" a", "white space"),
        ("a\u00a0", "white space"),
        (".", "must not be"),
        ("..", "must not be"),
    ],
)
def test_bad_id_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        public_id(text)


@given(st.text(st.characters(), max_size=300))
def test_accepted_id_stays_itself_and_can_be_stored(text: str) -> None:
    try:
        found = public_id(text)
    except ValueError:
        return
    assert public_id(found) == found == unicodedata.normalize("NFC", text)
    assert found.encode()
    assert found == found.strip()
    assert "\0" not in found


def test_id_is_kept_in_its_composed_form() -> None:
    assert public_id("e\u0301") == "\u00e9"
