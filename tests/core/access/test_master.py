"""The installation's own credential."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.keys import hash_key
from tianji_core.access.master import master_key
from tianji_core.calls.secret import Secret

TEXTS = st.text(st.characters(codec="utf-8"))


@given(TEXTS, TEXTS)
def test_only_the_same_text_matches(secret: str, text: str) -> None:
    assert master_key(Secret(secret)).matches(secret)
    assert master_key(Secret(secret)).matches(text) is (text == secret)


def test_hash_does_not_match_itself() -> None:
    assert not master_key(Secret("sk-master")).matches(hash_key("sk-master"))


def test_text_is_not_kept() -> None:
    assert "sk-master" not in repr(master_key(Secret("sk-master")))
