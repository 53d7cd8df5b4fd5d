"""The integer way and the decimal way give the same cost."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tianji_adapters.system.packaged_data import packaged_prices
from tianji_core.calls.usage import INPUT_BUCKETS, OUTPUT_BUCKETS, Usage
from tianji_core.pricing.adjustments import Adjustments, Margin
from tianji_core.pricing.cost import cost, general_cost
from tianji_core.pricing.entry import PriceEntry, price_entry
from tianji_core.pricing.ordinary import ordinary_cost
from tianji_core.pricing.prices import price_table

_NIGHT, _NOON = datetime(2026, 11, 25, 1, tzinfo=UTC), datetime(2026, 11, 25, 12, tzinfo=UTC)
_INPUT, _OUTPUT = "input_cost_per_token", "output_cost_per_token"
_UNADJUSTED = Adjustments()
_PACKAGED = packaged_prices()
_TABLE = price_table(package=_PACKAGED.entries, date=_PACKAGED.date, corrections=_PACKAGED.corrections)

# Whole nano-USD, atto-USD, and finer than integers are kept.
_rates = (
    st.integers(0, 5_000).map(lambda nano: Decimal(nano).scaleb(-9))
    | st.decimals(min_value=0, max_value="0.001", places=18)
    | st.decimals(min_value=0, max_value="0.000001", places=22)
)
_names = st.sampled_from(
    [
        "output_cost_per_reasoning_token",
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost",
        "cache_creation_input_token_cost_above_1hr",
        "input_cost_per_audio_token",
        "input_cost_per_token_above_128k_tokens",
        "input_cost_per_token_above_200k_tokens",
        "output_cost_per_token_above_200k_tokens_priority",
        "input_cost_per_token_priority",
        "output_cost_per_token_flex",
        "input_cost_per_request",
        "citation_cost_per_token",
        "regional_processing_uplift_multiplier_eu",
        "regional_endpoint_uplift_multiplier",
    ]
)
_hours = {"windows": [{"hours_utc": "00:30-08:30"}], _INPUT: "1e-7"}
_rows = [{"range": [0, 1000], _INPUT: "1e-6"}, {"range": [1000, 2000], _INPUT: "2e-6", _OUTPUT: "3.3e-10"}]
_structured = st.sampled_from([{}, {}, {}, {"off_peak_pricing": _hours}, {"tiered_pricing": _rows}])
_entries = st.builds(
    lambda given, out, fields, more: price_entry("m", {_INPUT: given, _OUTPUT: out, **fields, **more}),
    _rates,
    _rates,
    st.dictionaries(_names, _rates, max_size=5),
    _structured,
)
_tokens = st.none() | st.integers(0, 20) | st.integers(0, 250_000) | st.sampled_from([128_000, 200_000])
_usages = st.builds(
    Usage,
    **dict.fromkeys((*INPUT_BUCKETS, *OUTPUT_BUCKETS), _tokens),
    units=st.dictionaries(st.sampled_from(["web_searches", "citation_tokens", "web_fetches"]), st.integers(0, 2), max_size=1),
    service_tier=st.sampled_from([None, None, "default", "priority", "fast", "flex", "unheard-of"]),
    region=st.sampled_from([None, None, "eu", "global", "us"]),
    speed=st.sampled_from([None, None, "fast", "standard"]),
    reported_cost_usd=st.sampled_from([None, None, None, Decimal("0.01")]),
)
_adjustments = st.sampled_from(
    [
        _UNADJUSTED,
        _UNADJUSTED,
        Adjustments(discounts={"acme": Decimal("0.1")}),
        Adjustments(margins={"global": Margin(fixed_usd=Decimal(1))}),
    ]
)


def _both(usage: Usage, entry: PriceEntry, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "provider": "acme", "trusts_cost": False, "custom": False, "at": _NOON, "adjustments": _UNADJUSTED, **changes
    }  # fmt: skip
    assert cost(usage, entry, **facts) == general_cost(usage, entry, **facts)


@given(_usages, _entries, _adjustments, st.sampled_from(["acme", "xai"]), st.booleans(), st.sampled_from([_NIGHT, _NOON]))
@example(Usage(input_text=1), price_entry("m", {_INPUT: "5e-10"}), _UNADJUSTED, "acme", False, _NOON)
@example(Usage(input_text=3, output_text=1), price_entry("m", {_INPUT: "5e-10", _OUTPUT: "1e-9"}), _UNADJUSTED, "acme", True, _NOON)
def test_integers_and_decimals_give_the_same_cost(
    usage: Usage, entry: PriceEntry, adjustments: Adjustments, provider: str, custom: bool, at: datetime
) -> None:
    _both(usage, entry, adjustments=adjustments, provider=provider, custom=custom, at=at, trusts_cost=custom)


@given(_usages, st.sampled_from(sorted(_PACKAGED.entries)))
def test_packaged_entries_cost_the_same_either_way(usage: Usage, key: str) -> None:
    _both(usage, _TABLE.entry(key))


@pytest.mark.parametrize("tokens", range(1, 41))
def test_every_part_of_a_nano_is_rounded_the_same(tokens: int) -> None:
    entry = price_entry("m", {_INPUT: "2.5e-11", _OUTPUT: "5e-11", "cache_read_input_token_cost": "1e-11"})
    _both(Usage(cache_read=tokens, input_audio=tokens, output_text=tokens), entry)


def _ordinary(usage: Usage, fields: dict[str, object], adjustments: Adjustments = _UNADJUSTED) -> bool:
    entry = price_entry("m", {_INPUT: "1e-6", _OUTPUT: "1e-6", **fields})
    return ordinary_cost(usage, entry, provider="acme", custom=False, at=_NOON, adjustments=adjustments) is not None


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({}, {}),
        ({"cache_read": 5, "reasoning": 7}, {"cache_read_input_token_cost": "1.25e-12"}),
        ({"service_tier": "priority"}, {"input_cost_per_token_priority": "2e-6"}),
        ({"input_text": 300_000}, {"input_cost_per_token_above_200k_tokens": "2e-6"}),
        ({"region": "eu", "speed": "standard"}, {}),
        ({"units": {"web_searches": 0}}, {}),
        ({}, {"off_peak_pricing": _hours}),
        ({}, {"tiered_pricing": [{"range": [0, 1000], _INPUT: "1e-6", _OUTPUT: "1e-6"}]}),
    ],
)
def test_tokens_at_list_price_need_no_decimals(more: dict[str, Any], fields: dict[str, object]) -> None:
    assert _ordinary(Usage(**{"input_text": 10, "output_text": 10, **more}), fields)


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"units": {"web_searches": 1}}, {}),
        ({"reported_cost_usd": Decimal(1)}, {}),
        ({"region": "eu"}, {"regional_endpoint_uplift_multiplier": "1.1"}),
        ({}, {"input_cost_per_request": "0.01"}),
        ({}, {_INPUT: "1e-19"}),
    ],
)
def test_what_else_a_call_can_cost_is_left_to_the_general_computation(more: dict[str, Any], fields: dict[str, object]) -> None:
    assert not _ordinary(Usage(**{"input_text": 10, **more}), fields)


def test_adjusted_or_unpriced_tokens_are_left_to_the_general_computation() -> None:
    assert not _ordinary(Usage(input_text=1), {}, Adjustments(discounts={"acme": Decimal("0.1")}))
    assert ordinary_cost(
        Usage(output_text=1), price_entry("m", {_INPUT: 1}), provider="acme", custom=False, at=_NOON, adjustments=_UNADJUSTED
    ) is None  # fmt: skip
