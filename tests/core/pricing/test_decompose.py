from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.usage import INPUT_BUCKETS, OUTPUT_BUCKETS, Usage
from tianji_core.pricing.decompose import Listing, decompose, factors_of, service_tier
from tianji_core.pricing.entry import PriceEntry, price_entry

_AT = datetime(2026, 11, 25, tzinfo=UTC)
_FLAT = price_entry("m", {"input_cost_per_token": 1, "output_cost_per_token": 1})
_BUCKETS = (*INPUT_BUCKETS, *OUTPUT_BUCKETS)

usages = st.builds(Usage, **{bucket: st.none() | st.integers(0, 10**7) for bucket in _BUCKETS})


def _listing(usage: Usage, entry: PriceEntry = _FLAT) -> Listing:
    return decompose(usage, entry, provider="acme", at=_AT)


@given(usages)
def test_at_one_dollar_a_token_the_bill_is_the_number_of_tokens(usage: Usage) -> None:
    tokens = (usage.input_total or 0) + (usage.output_total or 0)
    assert sum(_listing(usage).by_component().values()) == tokens


@given(usages, st.sampled_from(_BUCKETS))
def test_buckets_are_disjoint_each_adds_exactly_its_own_tokens(usage: Usage, bucket: str) -> None:
    without = msgspec.structs.replace(usage, **{bucket: 0})
    difference = sum(_listing(usage).by_component().values()) - sum(_listing(without).by_component().values())
    assert difference == (getattr(usage, bucket) or 0)


def test_nothing_reported_is_nothing_billed() -> None:
    assert _listing(Usage()).lines == ()


def test_what_has_no_rate_is_named() -> None:
    entry = price_entry("m", {"input_cost_per_token": 1})
    listing = _listing(
        Usage(input_text=1, output_text=2, units={"web_searches": 3, "web_fetches": 4, "moon_trips": 5, "file_searches": 0}), entry
    )
    assert listing.unpriced == ("output_text", "web_searches_medium", "moon_trips")
    assert listing.by_component() == {"input": 1}


@pytest.mark.parametrize(
    ("units", "rest", "expected"),
    [
        ({"web_searches": 2}, {}, 20),
        ({"web_searches": 2}, {"search_context_size": "high"}, 200),
        ({"web_searches": 2}, {"search_context_size": "huge"}, 20),
        ({"web_searches": 1, "web_searches_low": 1}, {}, 11),
        ({"web_searches": 1, "web_searches_medium": 1}, {}, 20),
    ],
)
def test_searches_are_priced_by_their_size(units: dict[str, int], rest: dict[str, object], expected: int) -> None:
    sizes = {"search_context_size_low": 1, "search_context_size_medium": 10, "search_context_size_high": 100}
    entry = price_entry("m", {"search_context_cost_per_query": sizes})
    assert _listing(Usage(units=units, rest=rest), entry).by_component() == {"tools": expected}


def test_other_pieces_are_priced_by_their_own_unit() -> None:
    entry = price_entry(
        "m",
        {
            "google_maps_grounding_cost_per_query": "0.025",
            "file_search_cost_per_1k_calls": "2.5",
            "code_interpreter_cost_per_session": "0.03",
            "citation_cost_per_token": "0.000002",
            "input_cost_per_request": "0.005",
        },
    )
    units = {"maps_queries": 2, "file_searches": 3, "code_interpreter_sessions": 1, "citation_tokens": 500}
    assert _listing(Usage(units=units), entry).by_component() == {"tools": Decimal("0.0875"), "other": Decimal("0.006")}


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        (None, ""),
        ("auto", ""),
        ("default", ""),
        ("standard", ""),
        ("ON_DEMAND", ""),
        ("ON_DEMAND_PRIORITY", "priority"),
        ("fast", "priority"),
        ("priority", "priority"),
        ("FLEX", "flex"),
        ("BATCH", "flex"),
        ("batch", "batches"),
        ("ultrafast", "ultrafast"),
    ],
)
def test_the_providers_word_for_a_tier_becomes_the_tables(word: str | None, tier: str) -> None:
    assert service_tier(word) == tier


def test_regions_and_speed_multiply_tokens_but_not_pieces() -> None:
    fields: dict[str, object] = {
        "input_cost_per_token": 1,
        "provider_specific_entry": {"us": Decimal("1.5"), "fast": 2},
        "search_context_cost_per_query": {"search_context_size_medium": 1},
    }
    listing = _listing(Usage(input_text=1, units={"web_searches": 1}, region="US", speed="fast"), price_entry("m", fields))
    assert listing.by_component() == {"input": 3, "tools": 1}
    assert listing.basis["factors"] == {"region us": "1.5", "speed fast": "2"}


@pytest.mark.parametrize(
    ("region", "expected"), [(None, {}), ("global", {}), ("europe-west4", {"region europe-west4": 2}), ("eu", {"region eu": 3})]
)
def test_a_named_region_has_its_own_factor_and_any_other_but_global_the_common_one(region: str | None, expected: dict[str, int]) -> None:
    entry = price_entry("m", {"regional_endpoint_uplift_multiplier": 2, "regional_processing_uplift_multiplier_eu": 3})
    assert factors_of(entry, Usage(region=region)) == expected


def test_the_basis_names_tier_threshold_row_and_hours() -> None:
    tiered = {"input_cost_per_token": 1, "input_cost_per_token_above_1k_tokens_flex": 2}
    rows = {"tiered_pricing": [{"range": [0, 10], "input_cost_per_token": 1}]}
    cheap = {"input_cost_per_token": 2, "off_peak_pricing": {"windows": [{"hours_utc": "00:00-00:00"}], "input_cost_per_token": 1}}
    assert _listing(Usage(input_text=1001, service_tier="flex"), price_entry("m", tiered)).basis == {"tier": "flex", "above_tokens": 1000}
    assert _listing(Usage(input_text=5), price_entry("m", rows)).basis == {"row": [0, 10]}
    assert _listing(Usage(input_text=5), price_entry("m", cheap)).basis == {"off_peak": True}
    assert _listing(Usage(input_text=5)).basis == {}
