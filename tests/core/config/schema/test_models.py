"""Pricing fields are known by their form."""

import pytest

from tianji_core.config.schema import INFO, PARAMS
from tianji_core.pricing.grammar import is_price_field


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


def test_no_known_parameter_is_a_price() -> None:
    assert [name for table in (PARAMS, INFO) for name in table.by_spelling if is_price_field(name)] == []
