from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.pricing.rounding import apportion, to_nano

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
