from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tianji_core.errors import ConfigurationError
from tianji_core.pricing.entry import price_entry, with_custom_prices

_INPUT, _OUTPUT = "input_cost_per_token", "output_cost_per_token"
_READ, _REASONING = "cache_read_input_token_cost", "output_cost_per_reasoning_token"


def _rate(fields: dict[str, object], names: tuple[str, ...], tokens: int = 0, tier: str = "", *, at_threshold: bool = False) -> str | None:
    card = price_entry("m", fields).card
    found = card.find(names, card.crossed(tokens, at_threshold=at_threshold), tier)
    return None if found is None else str(found[0])


_TIERS: dict[str, object] = {
    _INPUT: "1",
    f"{_INPUT}_above_128k_tokens": "2",
    f"{_INPUT}_above_200k_tokens": "3",
    f"{_INPUT}_above_200k_tokens_priority": "4",
    f"{_INPUT}_priority": "5",
}


@pytest.mark.parametrize(
    ("tokens", "tier", "expected"),
    [
        (128_000, "", "1"),
        (128_001, "", "2"),
        (200_001, "", "3"),
        (200_001, "priority", "4"),
        (1, "priority", "5"),
        (128_001, "priority", "2"),
        (1, "flex", "1"),
        (200_001, "flex", "3"),
    ],
)
def test_the_highest_crossed_threshold_wins_and_a_missing_tier_is_the_ordinary_one(tokens: int, tier: str, expected: str) -> None:
    assert _rate(_TIERS, (_INPUT,), tokens, tier) == expected


def test_a_prompt_of_exactly_the_threshold_crosses_it_only_where_the_provider_says_so() -> None:
    assert _rate(_TIERS, (_INPUT,), 200_000) == "2"
    assert _rate(_TIERS, (_INPUT,), 200_000, at_threshold=True) == "3"


def test_a_rate_without_its_own_threshold_keeps_its_ordinary_value() -> None:
    assert _rate({**_TIERS, _READ: "0.1"}, (_READ, _INPUT), 300_000, "priority") == "0.1"


def test_a_missing_rate_is_the_next_of_its_line_and_an_explicit_zero_is_not_missing() -> None:
    assert _rate({_INPUT: 7}, (_READ, _INPUT)) == "7"
    assert _rate({_INPUT: 7, _READ: 0}, (_READ, _INPUT)) == "0"
    assert _rate({_INPUT: 7, _READ: None}, (_READ, _INPUT)) == "7"
    assert _rate({}, (_READ, _INPUT)) is None


def test_a_reasoning_rate_that_repeats_the_output_rate_does_not_hide_a_dearer_tier() -> None:
    fields: dict[str, object] = {_OUTPUT: 2, _REASONING: 2, f"{_OUTPUT}_priority": 4}
    assert _rate(fields, (_REASONING, _OUTPUT), tier="priority") == "4"
    assert _rate({**fields, _REASONING: 3}, (_REASONING, _OUTPUT), tier="priority") == "3"


@pytest.mark.parametrize("order", [1, -1])
def test_todays_spelling_of_a_rate_wins_over_the_legacy_one(order: int) -> None:
    fields: dict[str, object] = dict([("input_cost_per_token_cache_hit", "1"), (_READ, "2")][::order])
    assert _rate(fields, (_READ,)) == "2"


def test_the_legacy_spelling_alone_is_a_cache_read_rate() -> None:
    assert _rate({_INPUT: 9, "input_cost_per_token_cache_hit": "1"}, (_READ, _INPUT)) == "1"


def test_a_row_stands_in_for_all_rates_and_the_last_row_has_no_end() -> None:
    tiers = [{"range": [100, 200], _INPUT: 2}, {"range": [0, 100], _INPUT: 1}, {"max_results_range": [0, 5], "input_cost_per_query": 1}]
    entry = price_entry("m", {_INPUT: 9, "tiered_pricing": tiers})
    assert [row.card.rates[_INPUT, 0, ""] for tokens in (0, 100, 101, 200, 5000) if (row := entry.row_for(tokens))] == [1, 1, 2, 2, 2]


def test_cheap_hours_replace_only_the_rates_they_name() -> None:
    pricing = {"windows": [{"hours_utc": "00:00-06:00"}], _INPUT: 1}
    entry = price_entry("m", {_INPUT: 2, _OUTPUT: 3, "off_peak_pricing": pricing})
    card = entry.off_peak_card(datetime(2026, 1, 1, 5, tzinfo=UTC))
    assert card is not None
    assert card.rates == {(_INPUT, 0, ""): Decimal(1), (_OUTPUT, 0, ""): Decimal(3)}
    assert entry.off_peak_card(datetime(2026, 1, 1, 6, tzinfo=UTC)) is None


def test_only_prices_of_tokens_or_requests_make_an_entry_priced() -> None:
    assert price_entry("m", {_INPUT: 0}).has_prices
    assert price_entry("m", {"input_cost_per_request": 0}).has_prices
    assert price_entry("m", {"tiered_pricing": [{"range": [0, 1], _INPUT: 1}]}).has_prices
    assert not price_entry("m", {"max_input_tokens": 5, "search_context_cost_per_query": {"search_context_size_low": 1}}).has_prices


def test_factors_are_numbers_by_region_or_speed() -> None:
    fields: dict[str, object] = {
        "provider_specific_entry": {"us": "x", "fast": 2, "flag": True},
        "regional_processing_uplift_multiplier_eu": Decimal("1.1"),
        "regional_endpoint_uplift_multiplier": "1.2",
    }
    entry = price_entry("m", fields)
    assert entry.factors == {"fast": Decimal(2), "eu": Decimal("1.1")}
    assert entry.region_factor == Decimal("1.2")


@pytest.mark.parametrize(
    "fields",
    [
        {_INPUT: 0.1},
        {f"{_INPUT}_flex": "free"},
        {"tiered_pricing": [{"range": [0], _INPUT: 1}]},
        {"tiered_pricing": [{"range": "0-1", _INPUT: 1}]},
        {"off_peak_pricing": {_INPUT: 1}},
        {"search_context_cost_per_query": {"search_context_size_low": -1}},
        {"regional_endpoint_uplift_multiplier": 1.1},
    ],
)
def test_what_is_no_price_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        price_entry("m", fields)


def test_a_custom_rate_holds_for_every_size_tier_and_hour_and_missing_ones_stay_public() -> None:
    public: dict[str, object] = {
        **_TIERS,
        _OUTPUT: 9,
        f"{_OUTPUT}_priority": 18,
        _READ: 2,
        "tiered_pricing": [{"range": [0, 1], _INPUT: 1}],
        "off_peak_pricing": {"windows": [{"hours_utc": "00:00-00:00"}], _INPUT: 1},
        "max_input_tokens": 5,
    }
    merged = with_custom_prices(public, {_INPUT: 0})
    assert merged == {_INPUT: 0, _OUTPUT: 9, f"{_OUTPUT}_priority": 18, _READ: 2, "max_input_tokens": 5}


def test_a_custom_price_that_is_no_token_rate_hides_nothing() -> None:
    public: dict[str, object] = {**_TIERS, "tiered_pricing": []}
    assert with_custom_prices(public, {"input_cost_per_request": 1}) == {**public, "input_cost_per_request": 1}


def test_columns_hold_what_is_found_in_whole_nano_or_finer() -> None:
    card = price_entry("m", {"input_cost_per_token": "1e-6", "input_cost_per_token_above_200k_tokens_flex": "2.5e-10"}).card
    ordinary, above = card.column(200_000, "flex", at_threshold=False), card.column(200_000, "flex", at_threshold=True)
    assert ordinary is not None
    assert above is not None
    assert (ordinary.rates[0], ordinary.per_nano, ordinary.above[0], ordinary.is_ordinary) == (1_000, 1, 0, True)
    assert (above.rates[0], above.per_nano, above.above[0], above.is_ordinary) == (250_000_000, 10**9, 200_000, False)
    assert card.column(300_000, "unheard-of", at_threshold=False) == card.column(300_000, "", at_threshold=False)
    assert price_entry("m", {"input_cost_per_token": "1e-19"}).card.column(0, "", at_threshold=False) is None
