"""The form of keys, their hash, and what may be shown of them."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.keys import check_form, display_key, hash_key, is_hash, new_key
from tianji_core.errors import AuthenticationError

SECRETS = st.binary(min_size=32, max_size=32)


@given(SECRETS)
def test_new_key_has_the_form_of_a_key(data: bytes) -> None:
    text = new_key(data)
    assert re.fullmatch(r"sk-[A-Za-z0-9_-]{43}", text)
    assert check_form(text) == text


@given(SECRETS, SECRETS)
def test_new_key_keeps_every_bit(one: bytes, other: bytes) -> None:
    assert (new_key(one) == new_key(other)) is (one == other)


@given(SECRETS)
def test_hash_names_a_key_and_never_authenticates(data: bytes) -> None:
    found = hash_key(new_key(data))
    assert is_hash(found)
    with pytest.raises(AuthenticationError):
        check_form(found)


def test_hash_is_sha_256_of_utf_8() -> None:
    assert hash_key("sk-ä") == hashlib.sha256("sk-ä".encode()).hexdigest()


@pytest.mark.parametrize("text", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", "sk-" + "a" * 61])
def test_other_texts_are_no_hash(text: str) -> None:
    assert not is_hash(text)


def test_four_characters_are_shown() -> None:
    assert display_key("sk-abcdefghijklmnop") == "sk-...mnop"


@pytest.mark.parametrize("length", [13, 253])
def test_shortest_and_longest_key_pass(length: int) -> None:
    assert check_form("sk-" + "~" * length) == "sk-" + "~" * length


@pytest.mark.parametrize(
    "text",
    ["", "sk-", "sk-" + "x" * 12, "sk-" + "x" * 254, "SK-" + "x" * 20, "sk-abcdefghijklm\n", "sk-abcdef ghijklm", "sk-äbcdefghijklmn"],
)
def test_malformed_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(AuthenticationError) as refused:
        check_form(text)
    assert refused.value.message == "the API key is malformed: a key of this gateway begins with `sk-`"
