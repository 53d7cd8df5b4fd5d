"""Queries of `/key/list`, and bodies that name keys."""

import pytest

from tianji_core.access.key_queries import KeyListQuery, KeyReference, key_reference, read_key_name, read_key_names, read_list_query, shown
from tianji_core.access.keys import KeyId, hash_key
from tianji_core.errors import UnprocessableError

_HASH = hash_key("sk-a")
_ID = "019a0000-0000-7000-8000-000000000000"


def test_key_is_named_by_its_text_its_hash_or_its_id() -> None:
    assert key_reference("sk-a") == key_reference(_HASH) == KeyReference(hash=_HASH)
    assert key_reference(_ID) == KeyReference(id=KeyId(_ID))
    assert key_reference("garbage") is None
    assert key_reference("") is None


def test_text_of_a_key_is_never_shown() -> None:
    assert shown("sk-0123456789abcdef") == "sk-...cdef"
    assert shown(_HASH) == _HASH


def test_empty_query_asks_for_the_first_ten() -> None:
    assert read_list_query(()) == KeyListQuery(page=1, size=10)


def test_query_is_read() -> None:
    query = (
        ("page", "3"),
        ("page_size", "5"),
        ("user_id", "u"),
        ("key_hash", "sk-a"),
        ("return_full_object", "True"),
        ("status", "expired"),
    )
    assert read_list_query(query) == KeyListQuery(page=3, size=5, user_id="u", hash=_HASH, return_full_object=True, is_expired=True)


def test_blank_parameters_are_absent_and_unknown_ones_are_named() -> None:
    assert read_list_query((("user_id", ""), ("cursor", ""), ("colour", "red"))) == KeyListQuery(ignored=("colour",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"), ("page", "x"), ("page", "1.5"), ("page", "9" * 30), ("size", "101"), ("page_size", "0"), ("size", "-1"),
        ("return_full_object", "maybe"), ("status", "deleted"), ("expires", "soon"), ("sort_by", "spend"), ("sort_order", "asc"),
        ("user_id", "a\0"), ("search", " a"), ("key_hash", "abc"), ("project_id", "p"), ("cursor", "c"), ("expand", "user"),
    ],
)  # fmt: skip
def test_bad_parameter_is_named(name: str, value: str) -> None:
    with pytest.raises(UnprocessableError) as caught:
        read_list_query(((name, value),))
    assert caught.value.param == name


def test_deep_pages_are_refused() -> None:
    assert read_list_query((("page", "100"), ("size", "100"))).page == 100
    with pytest.raises(UnprocessableError):
        read_list_query((("page", "101"), ("size", "100")))


def test_contradicting_states_are_refused() -> None:
    with pytest.raises(UnprocessableError):
        read_list_query((("status", "active"), ("expires", "expired")))


def test_deletion_names_keys_and_aliases_once_each() -> None:
    names = read_key_names({"keys": ["a", "a", "b"], "key_aliases": ["c"], "other": 1})
    assert (names.keys, names.aliases, names.ignored) == (("a", "b"), ("c",), ("other",))
    assert read_key_names({"keys": None, "key_aliases": ["c"]}).keys == ()


@pytest.mark.parametrize(
    "body",
    [{}, {"keys": []}, {"keys": None, "key_aliases": None}, {"keys": "a"}, {"keys": [1]}, {"keys": ["a"] * 1001}, {"key_aliases": [""]}],
)
def test_deletion_without_names_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(UnprocessableError):
        read_key_names(body)


@pytest.mark.parametrize("body", [{}, {"key": None}, {"key": 1}])
def test_name_must_be_a_text(body: dict[str, object]) -> None:
    with pytest.raises(UnprocessableError) as caught:
        read_key_name(body)
    assert caught.value.param == "key"
