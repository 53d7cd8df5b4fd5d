"""Types of plain scalars."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.config.scalars import read_plain, read_tagged


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("yes", True),
        ("Off", False),
        ("12", 12),
        ("-1_000", -1000),
        ("017", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1.50", Decimal("1.50")),
        (".5", Decimal("0.5")),
        ("3e-7", Decimal("3e-7")),
        ("1.5E+3", Decimal(1500)),
        ("08", "08"),
        ("0x", "0x"),
        ("0x_", "0x_"),
        ("._", "._"),
        ("1e5x", "1e5x"),
        (".nan", ".nan"),
        ("nUll", "nUll"),
    ],
)
def test_plain_scalars(text: str, value: object) -> None:
    read = read_plain(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["2024-10-21", "12:30", "1:30:00"])
def test_dates_and_times_are_text(text: str) -> None:
    assert read_plain(text) == text


@pytest.mark.parametrize("text", ["9" * 100, "1e999999999", "1e401"])
def test_numbers_that_nobody_means_are_text(text: str) -> None:
    assert read_plain(text) == text


def test_a_tag_decides_the_type() -> None:
    assert read_tagged("12", "tag:yaml.org,2002:str") == "12"
    assert read_tagged("12", "!") == "12"
    assert read_tagged("12", "tag:yaml.org,2002:float") == 12


@pytest.mark.parametrize(("text", "tag"), [("x", "int"), ("true", "int"), ("1", "bool"), ("1", "timestamp"), ("", "int")])
def test_a_tag_that_does_not_fit_is_an_error(text: str, tag: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        read_tagged(text, f"tag:yaml.org,2002:{tag}")


@given(st.text("0123456789+-._eExbaf:", max_size=12))
def test_any_text_that_looks_like_a_number_reads(text: str) -> None:
    value = read_plain(text)
    assert value is None or isinstance(value, str | int | Decimal)
