from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.usage import Usage
from tianji_core.pricing.adjustments import Adjustments, Margin
from tianji_core.pricing.bound import bound_nano
from tianji_core.pricing.cost import cost
from tianji_core.pricing.entry import PriceEntry, price_entry
from tianji_core.pricing.request_size import RequestSize

_AT = datetime(2026, 11, 25, tzinfo=UTC)
_SIZE = RequestSize(text_bytes=100)
_INPUTS = ("input_text", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write")
_OUTPUTS = ("output_text", "reasoning")

rates = st.decimals(min_value=0, max_value="0.001", places=12)
fields = st.dictionaries(
    st.sampled_from(
        [
            "input_cost_per_token",
            "output_cost_per_token",
            "output_cost_per_reasoning_token",
            "cache_read_input_token_cost",
            "cache_creation_input_token_cost",
            "cache_creation_input_token_cost_above_1hr",
            "input_cost_per_token_above_200k_tokens",
            "output_cost_per_token_above_200k_tokens",
            "cache_creation_input_token_cost_above_200k_tokens",
            "input_cost_per_token_priority",
            "output_cost_per_token_priority",
            "input_cost_per_token_flex",
            "input_cost_per_request",
            "regional_endpoint_uplift_multiplier",
        ]
    ),
    rates,
)
entries = fields.map(lambda found: price_entry("m", {"input_cost_per_token": Decimal("0.000001"), **found}))
fractions = st.decimals(min_value=0, max_value=1, places=3)
adjusted = st.builds(
    Adjustments,
    discounts=st.dictionaries(st.just("acme"), fractions),
    margins=st.dictionaries(st.sampled_from(["acme", "global"]), st.builds(Margin, fraction=fractions, fixed_usd=fractions)),
)


@st.composite
def usages(draw: st.DrawFn) -> tuple[Usage, int, int, str | None]:
    tokens = st.integers(0, 250_000)
    buckets = {name: draw(tokens) for name in (*_INPUTS, *_OUTPUTS)}
    tier = draw(st.sampled_from([None, "priority", "flex"]))
    served = draw(st.sampled_from([None, tier]))
    usage = msgspec.structs.replace(Usage(service_tier=served, region=draw(st.sampled_from([None, "eu"]))), **buckets)
    more = draw(st.integers(0, 1000))
    return usage, (usage.input_total or 0) + more, (usage.output_total or 0) + more, tier


def _bound(entry: PriceEntry, given_tokens: int, answered: int, **more: object) -> int:
    facts: dict[str, object] = {"provider": "acme", "model": "m", "adjustments": Adjustments(), **more}
    return bound_nano(_SIZE, entry, given=given_tokens, answered=answered, **facts)  # type: ignore[arg-type]


@given(usages(), entries, adjusted)
def test_no_call_within_its_tokens_costs_more_than_its_bound(
    used: tuple[Usage, int, int, str | None], entry: PriceEntry, adjustments: Adjustments
) -> None:
    usage, given_tokens, answered, tier = used
    price = cost(usage, entry, provider="acme", trusts_cost=False, custom=False, at=_AT, adjustments=adjustments, model="m")
    assert price.total_nano <= _bound(entry, given_tokens, answered, adjustments=adjustments, tier=tier)


def test_the_bound_is_tokens_at_list_price_where_there_is_one_rate_each() -> None:
    entry = price_entry("m", {"input_cost_per_token": Decimal("0.000001"), "output_cost_per_token": Decimal("0.000002")})
    assert _bound(entry, 1_000, 500) == 1_000 * 1_000 + 500 * 2_000


def test_a_dearer_rate_beyond_the_prompt_does_not_count() -> None:
    entry = price_entry("m", {"input_cost_per_token": Decimal("0.000001"), "input_cost_per_token_above_200k_tokens": Decimal("0.000009")})
    assert _bound(entry, 100, 0) == 100 * 1_000
    assert _bound(entry, 300_000, 0) == 300_000 * 9_000


def test_cache_writes_count_at_the_dearest_lifetime() -> None:
    entry = price_entry(
        "m", {"input_cost_per_token": Decimal("0.000001"), "cache_creation_input_token_cost_above_1hr": Decimal("0.000002")}
    )
    assert _bound(entry, 100, 0) == 100 * 2_000


def test_a_tier_counts_only_where_it_is_asked_for() -> None:
    entry = price_entry("m", {"input_cost_per_token": Decimal("0.000001"), "input_cost_per_token_priority": Decimal("0.000005")})
    assert _bound(entry, 100, 0) == 100_000
    assert _bound(entry, 100, 0, tier="priority") == 500_000


def test_hosted_tools_cost_their_fee_each_time_they_may_be_called() -> None:
    entry = price_entry(
        "m", {"input_cost_per_token": Decimal(0), "search_context_cost_per_query": {"search_context_size_high": Decimal("0.01")}}
    )
    size = RequestSize(text_bytes=1, hosted_calls=3)
    assert bound_nano(size, entry, given=10, answered=10, provider="a", model="m", adjustments=Adjustments()) == 30_000_000


def test_the_fast_mode_counts_only_where_it_is_asked_for() -> None:
    entry = price_entry("m", {"input_cost_per_token": Decimal("0.000001"), "provider_specific_entry": {"us": Decimal("1.1"), "fast": 6}})
    assert _bound(entry, 100, 0) == 110_000
    fast = RequestSize(text_bytes=1, is_fast=True)
    assert bound_nano(fast, entry, given=100, answered=0, provider="a", model="m", adjustments=Adjustments()) == 660_000
