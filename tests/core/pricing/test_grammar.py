from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import ConfigurationError
from tianji_core.pricing.grammar import RateName, amount, is_price_field, parse_rate_name, price_fields
from tianji_core.pricing.units import TOKEN_RATES

_TIERS = st.sampled_from(["", "batches", "flex", "priority", "balanced", "ultrafast", "decisions", "tomorrow"])


@given(rate=st.sampled_from(TOKEN_RATES), thousands=st.integers(0, 10_000), tier=_TIERS)
def test_every_rate_combines_with_every_threshold_and_tier(rate: str, thousands: int, tier: str) -> None:
    field = rate + (f"_above_{thousands}k_tokens" if thousands else "") + (f"_{tier}" if tier else "")
    assert parse_rate_name(field) == RateName(rate, thousands * 1000, tier)


def test_the_legacy_spelling_is_the_cache_read_rate() -> None:
    assert parse_rate_name("input_cost_per_token_cache_hit") == RateName("cache_read_input_token_cost")


def test_the_hour_of_a_cache_write_is_part_of_its_rate_not_a_threshold() -> None:
    field = "cache_creation_input_token_cost_above_1hr_above_200k_tokens"
    assert parse_rate_name(field) == RateName("cache_creation_input_token_cost_above_1hr", 200_000)


@pytest.mark.parametrize(
    "field",
    [
        "max_input_tokens",
        "input_cost_per_image",
        "input_cost_per_audio_per_second",
        "output_cost_per_second_720p",
        "cache_creation_input_token_cost_above_12hr",
        "cache_creation_input_token_cost_above_12hr_priority",
        "input_cost_per_token_above_manyk_tokens",
        "input_cost_per_token_above_200k_tokenspriority",
        "input_cost_per_tokens",
    ],
)
def test_other_fields_are_no_token_rates(field: str) -> None:
    assert parse_rate_name(field) is None


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("input_cost_per_token", True),
        ("cache_read_input_token_cost", True),
        ("cost_per_second", True),
        ("ocr_cost_per_page", True),
        ("tiered_pricing", True),
        ("off_peak_pricing", True),
        ("search_context_cost_per_query", True),
        ("regional_processing_uplift_multiplier_eu", True),
        ("provider_specific_entry", True),
        ("max_output_tokens", False),
        ("supports_vision", False),
        ("mode", False),
        ("base_model", False),
        ("weight", False),
    ],
)
def test_pricing_fields_are_told_from_others(field: str, expected: bool) -> None:
    assert is_price_field(field) is expected


def test_an_explicit_zero_is_a_pricing_field_and_null_is_not() -> None:
    fields = {"input_cost_per_token": 0, "output_cost_per_token": None, "mode": "chat"}
    assert price_fields(fields) == {"input_cost_per_token": 0}


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "0"), (2, "2"), ("3e-7", "3E-7"), ("0.000003", "0.000003"), (Decimal("1.3E-10"), "1.3E-10")]
)
def test_prices_are_read_exactly(value: object, expected: str) -> None:
    assert amount("input_cost_per_token", value) == Decimal(expected)


@pytest.mark.parametrize("value", [3e-6, 0.0, True, None, "much", "", -1, "-1e-9", "nan", "inf", Decimal("NaN"), [1], {"a": 1}])
def test_what_is_no_price_is_refused_by_its_name(value: object) -> None:
    with pytest.raises(ConfigurationError, match="input_cost_per_token"):
        amount("input_cost_per_token", value)
