"""Pricing fields are known by their form."""

import pytest

from tianji_core.config.schema import INFO, PARAMS, is_price_field


@pytest.mark.parametrize(
    "name",
    [
        "input_cost_per_token",
        "output_cost_per_token_above_200k_tokens_priority",
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost_above_1hr",
        "input_cost_per_token_batches",
        "ocr_cost_per_page",
        "regional_processing_uplift_multiplier_eu",
        "tiered_pricing",
        "off_peak_pricing",
        "search_context_cost_per_query",
    ],
)
def test_fields_of_the_price_table_are_prices(name: str) -> None:
    assert is_price_field(name)
    assert name not in PARAMS.by_spelling
    assert name not in INFO.by_spelling


@pytest.mark.parametrize("name", ["max_tokens", "temperature", "max_cost", "pricing", "tiered", "model"])
def test_other_fields_are_not(name: str) -> None:
    assert not is_price_field(name)
