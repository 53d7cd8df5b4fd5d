"""Reading fields and telling what is wrong with them."""

from msgspec import UNSET

from tianji_core.access.fields import FieldReader, each, header_list, is_empty


def test_reader_goes_on_after_a_fault() -> None:
    reader = FieldReader()
    assert reader.read("a", "x", int) is UNSET
    assert reader.read("b", 1, int) == 1
    assert [fault.field for fault in reader.faults] == ["a"]


def test_reader_that_found_nothing_wrong_says_nothing() -> None:
    FieldReader().finish()


def test_each_checks_names_and_values() -> None:
    assert each(str.upper)({"a": "b"}) == {"A": "B"}
    assert each(str.upper)(["a", "b"]) == ("A", "B")


def test_zero_is_not_empty() -> None:
    assert not is_empty(0)
    assert is_empty(False)


def test_names_in_a_header_are_few_short_and_harmless() -> None:
    value = header_list(["a\r\nb", "é", "x" * 500, *map(str, range(100))])
    assert value.startswith(f"a%0D%0Ab, %C3%A9, {'x' * 64}, 0, 1")
    assert value.endswith(", 46, ...")
    assert value.isascii()
