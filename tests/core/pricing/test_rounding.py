from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.pricing.rounding import apportion, apportion_whole, to_nano, whole_of, whole_to_nano

_USD = st.decimals(min_value=0, max_value=1000, places=14)


@pytest.mark.parametrize(("usd", "nano"), [("5E-10", 0), ("1.5E-9", 2), ("2.5E-9", 2), ("2.51E-9", 3), ("-1.5E-9", -2), ("1", 10**9)])
def test_a_half_goes_to_the_even_nano(usd: str, nano: int) -> None:
    assert to_nano(Decimal(usd)) == nano


@given(st.dictionaries(st.sampled_from("abcdefg"), _USD, min_size=1))
def test_parts_add_up_to_the_rounded_sum_and_none_moves_by_a_whole_nano(amounts: dict[str, Decimal]) -> None:
    nano = apportion(amounts)
    assert sum(nano.values()) == to_nano(sum(amounts.values(), Decimal(0)))
    assert all(abs(nano[name] - usd * 10**9) < 1 for name, usd in amounts.items())


def test_what_is_missing_goes_to_those_that_lost_most_then_to_the_first() -> None:
    assert apportion({"a": Decimal("1.4E-9"), "b": Decimal("1.4E-9"), "c": Decimal("1.4E-9")}) == {"a": 2, "b": 1, "c": 1}
    assert apportion({"a": Decimal("1.2E-9"), "b": Decimal("1.7E-9")}) == {"a": 1, "b": 2}


def test_nothing_is_apportioned_to_nothing() -> None:
    assert apportion({}) == {}


_WHOLE = st.integers(0, 10**22)


@given(st.dictionaries(st.sampled_from("abcdefg"), _WHOLE | st.integers(0, 20).map(lambda halves: halves * 5 * 10**8), min_size=1))
def test_whole_parts_of_a_nano_are_apportioned_and_rounded_as_usd_are(amounts: dict[str, int]) -> None:
    usd = {name: Decimal(amount).scaleb(-18) for name, amount in amounts.items()}
    assert apportion_whole(amounts, 10**9) == apportion(usd)
    assert whole_to_nano(sum(amounts.values()), 10**9) == to_nano(sum(usd.values(), Decimal(0)))


@pytest.mark.parametrize(
    ("usd", "per_nano", "whole"),
    [
        ("0", 1, 0),
        ("2.5e-6", 1, 2500),
        ("2.50000000000000000000e-6", 1, 2500),
        ("2.5e-10", 1, None),
        ("2.5e-10", 10**9, 250_000_000),
        ("1e-18", 10**9, 1),
        ("1.5e-18", 10**9, None),
        ("1e-999999", 10**9, None),
        ("1e999999", 1, None),
    ],
)
def test_rate_is_a_whole_number_of_parts_or_none(usd: str, per_nano: int, whole: int | None) -> None:
    assert whole_of(Decimal(usd), per_nano) == whole


def test_whole_nano_stay_as_they_are() -> None:
    assert (apportion_whole({"a": 3, "b": 4}, 1), whole_to_nano(7, 1)) == ({"a": 3, "b": 4}, 7)
