"""Instants and money on the wire."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.wire_values import instant, nano, usd

MOST_NANO = 9 * 10**18


def test_instant_always_has_six_digits() -> None:
    assert instant(0) == "1970-01-01T00:00:00.000000Z"
    assert instant(1_795_580_995_123_456_999) == "2026-11-25T04:29:55.123456Z"


@given(st.integers(0, 2**63 - 1))
def test_instant_keeps_whole_microseconds(at_ns: int) -> None:
    text = instant(at_ns)
    at = datetime.fromisoformat(text)
    whole = at - datetime.fromisoformat("1970-01-01T00:00:00Z")
    assert (whole.days * 86_400 + whole.seconds) * 10**6 + whole.microseconds == at_ns // 1000


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_instants_sort_as_texts(one: int, other: int) -> None:
    assert (one // 1000 < other // 1000) is (instant(one) < instant(other))


@given(st.integers(0, MOST_NANO))
def test_money_as_text_is_exact(amount_nano: int) -> None:
    text = usd(amount_nano, as_text=True)
    assert isinstance(text, str)
    assert "E" not in text
    assert nano(Decimal(text)) == amount_nano


@given(st.integers(-MOST_NANO, MOST_NANO))
def test_money_as_number_is_the_nearest_float(amount_nano: int) -> None:
    assert usd(amount_nano, as_text=False) == float(Decimal(amount_nano) / 10**9)


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("0.000000001", 1), ("1.50", 1_500_000_000), ("1E+3", 10**12), ("9000000000", MOST_NANO)]
)
def test_amount_is_read(text: str, expected: int) -> None:
    assert nano(Decimal(text)) == expected


@pytest.mark.parametrize("text", ["-0.000000001", "9000000000.000000001", "NaN", "sNaN", "Infinity", "-Infinity", "1E+999999"])
def test_amount_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="between 0 and 9000000000"):
        nano(Decimal(text))


@given(st.integers(0, 9 * 10**9 - 1), st.integers(10, 400))
def test_amount_with_more_decimals_is_refused_however_many(whole: int, decimals: int) -> None:
    with pytest.raises(ValueError, match="at most nine decimals"):
        nano(Decimal(f"{whole}.{'0' * (decimals - 1)}1"))
