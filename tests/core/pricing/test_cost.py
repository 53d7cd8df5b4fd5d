from datetime import UTC, datetime
from decimal import Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import INPUT_BUCKETS, OUTPUT_BUCKETS, Usage
from tianji_core.pricing.adjustments import Adjustments, Margin
from tianji_core.pricing.cost import cost
from tianji_core.pricing.entry import PriceEntry, price_entry

_AT = datetime(2026, 11, 25, tzinfo=UTC)
_BUCKETS = (*INPUT_BUCKETS, *OUTPUT_BUCKETS)
_UNADJUSTED = Adjustments()
_SIMPLE = price_entry("m", {"input_cost_per_token": "0.000001", "output_cost_per_token": "0.000002"})

rates = st.decimals(min_value=0, max_value="0.001", places=12)
fractions = st.decimals(min_value=0, max_value=1, places=3)
usages = st.builds(
    Usage,
    **{bucket: st.none() | st.integers(0, 10**6) for bucket in _BUCKETS},
    units=st.dictionaries(st.sampled_from(["web_searches", "citation_tokens", "web_fetches"]), st.integers(0, 50)),
)
entries = st.builds(
    price_entry,
    st.just("m"),
    st.dictionaries(
        st.sampled_from(
            [
                "output_cost_per_reasoning_token",
                "cache_read_input_token_cost",
                "cache_creation_input_token_cost",
                "cache_creation_input_token_cost_above_1hr",
                "input_cost_per_audio_token",
                "input_cost_per_request",
                "citation_cost_per_token",
            ]
        ),
        rates,
    ).flatmap(
        lambda fields: st.tuples(rates, rates).map(
            lambda pair: {**fields, "input_cost_per_token": pair[0], "output_cost_per_token": pair[1]}
        )
    ),
)
adjusted = st.builds(
    Adjustments,
    discounts=st.dictionaries(st.just("acme"), fractions),
    margins=st.dictionaries(st.sampled_from(["acme", "global"]), st.builds(Margin, fraction=fractions, fixed_usd=fractions)),
)
reports = st.none() | st.decimals(min_value=0, max_value=10, places=12)


def _cost(
    usage: Usage,
    entry: PriceEntry | None = _SIMPLE,
    *,
    trusts_cost: bool = False,
    custom: bool = False,
    adjustments: Adjustments = _UNADJUSTED,
) -> Cost:
    return cost(usage, entry, provider="acme", trusts_cost=trusts_cost, custom=custom, at=_AT, adjustments=adjustments)


def _parts(billed: Cost) -> int:
    return (
        billed.input_nano
        + billed.cache_read_nano
        + billed.cache_write_nano
        + billed.output_nano
        + billed.tools_nano
        + billed.guardrails_nano
        + billed.other_nano
    )


@given(usages, entries, adjusted, reports)
def test_the_parts_always_add_up(usage: Usage, entry: PriceEntry, adjustments: Adjustments, reported: Decimal | None) -> None:
    usage = msgspec.structs.replace(usage, reported_cost_usd=reported)
    billed = _cost(usage, entry, trusts_cost=True, adjustments=adjustments)
    assert _parts(billed) == billed.total_nano
    assert billed.total_nano == billed.list_nano + billed.adjustment_nano
    assert 0 <= billed.reasoning_nano <= billed.output_nano


@given(usages, entries, st.sampled_from(_BUCKETS), st.integers(0, 1000))
def test_more_tokens_never_cost_less(usage: Usage, entry: PriceEntry, bucket: str, more: int) -> None:
    larger = msgspec.structs.replace(usage, **{bucket: (getattr(usage, bucket) or 0) + more})
    assert _cost(larger, entry).total_nano >= _cost(usage, entry).total_nano


@given(usages, entries)
def test_without_adjustments_the_total_is_the_exact_sum_rounded_once(usage: Usage, entry: PriceEntry) -> None:
    billed = _cost(usage, entry)
    assert billed.adjustment_nano == 0
    assert billed.total_nano == billed.list_nano


@given(usages, entries, adjusted)
def test_discount_and_margin_are_off_by_at_most_a_nano(usage: Usage, entry: PriceEntry, adjustments: Adjustments) -> None:
    billed = _cost(usage, entry, adjustments=adjustments)
    if billed.source == "zero_unpriced":
        return
    margin = adjustments.margin("acme", "m")
    factor = (1 - adjustments.discount("acme", "m")) * (1 + margin.fraction)
    expected = billed.list_nano * factor + margin.fixed_usd * 10**9
    assert abs(billed.total_nano - expected) <= 2


def test_only_the_sum_is_rounded() -> None:
    entry = price_entry("m", {"input_cost_per_token": "1.3e-10", "output_cost_per_token": "1.3e-10"})
    billed = _cost(Usage(input_text=2, cache_read=2, output_text=2), entry)
    assert (billed.total_nano, billed.input_nano, billed.cache_read_nano, billed.output_nano) == (1, 1, 0, 0)


def test_the_surrounding_decimal_context_changes_nothing() -> None:
    usage = Usage(input_text=123_456_789)
    with localcontext(prec=3):
        narrow = _cost(usage)
    assert narrow == _cost(usage)
    assert narrow.total_nano == 123_456_789_000


def test_an_explicit_zero_is_a_price_and_no_price_is_not_zero() -> None:
    free = price_entry("m", {"input_cost_per_token": 0, "output_cost_per_token": 0}, custom=True)
    usage = Usage(input_text=10, output_text=10)
    assert _cost(usage, free, custom=True) == Cost(source="custom", basis={"entry": "m"})
    assert _cost(usage, None) == Cost(source="zero_unpriced")


def test_an_entry_without_a_rate_for_anything_used_is_unpriced_and_says_what_lacks() -> None:
    entry = price_entry("m", {"output_cost_per_image_token": 1})
    assert _cost(Usage(input_text=1, output_text=1), entry) == Cost(basis={"entry": "m", "unpriced": ["input_text", "output_text"]})


def test_a_part_without_a_rate_is_named_and_the_rest_is_billed() -> None:
    entry = price_entry("m", {"input_cost_per_token": "0.000001"})
    billed = _cost(Usage(input_text=1, output_text=1), entry)
    assert (billed.source, billed.total_nano, billed.basis["unpriced"]) == ("computed", 1000, ["output_text"])


def test_nothing_used_costs_nothing() -> None:
    assert _cost(Usage()) == Cost(source="computed", basis={"entry": "m"})


def test_discount_comes_before_margin_and_the_difference_is_counted_in_other() -> None:
    adjustments = Adjustments(
        discounts={"acme": Decimal("0.1")}, margins={"global": Margin(fraction=Decimal("0.5"), fixed_usd=Decimal("0.001"))}
    )
    billed = _cost(Usage(input_text=1000), adjustments=adjustments)
    assert billed.total_nano == 2_350_000
    assert (billed.list_nano, billed.input_nano, billed.other_nano, billed.adjustment_nano) == (1_000_000, 1_000_000, 1_350_000, 1_350_000)
    assert billed.basis == {"entry": "m", "discount": "0.1", "margin": "0.5", "margin_fixed_usd": "0.001"}


def test_a_discount_makes_other_negative() -> None:
    billed = _cost(Usage(input_text=1000), adjustments=Adjustments(discounts={"acme": Decimal("0.25")}))
    assert (billed.total_nano, billed.other_nano, billed.adjustment_nano) == (750_000, -250_000, -250_000)


def test_an_unknown_price_takes_no_fixed_margin() -> None:
    adjustments = Adjustments(margins={"global": Margin(fixed_usd=Decimal(1))})
    assert _cost(Usage(input_text=1), None, adjustments=adjustments).total_nano == 0


def test_discounts_by_model_follow_what_was_sent_upstream() -> None:
    adjustments = Adjustments(discounts={"acme/renamed": Decimal("0.5"), "acme/m": Decimal("0.1")})
    sent = cost(
        Usage(input_text=1000), _SIMPLE, provider="acme", trusts_cost=False, custom=False, at=_AT, adjustments=adjustments, model="renamed"
    )
    assert sent.total_nano == 500_000
    assert _cost(Usage(input_text=1000), price_entry("acme/m", _SIMPLE.fields), adjustments=adjustments).total_nano == 900_000


_REPORT = Usage(input_text=1000, output_text=500, reasoning=500, reported_cost_usd=Decimal("0.0015"))


def test_a_trusted_report_is_booked_and_split_as_the_computed_cost_is() -> None:
    billed = _cost(_REPORT, trusts_cost=True)
    assert (billed.source, billed.total_nano) == ("provider", 1_500_000)
    assert (billed.input_nano, billed.output_nano, billed.reasoning_nano, billed.other_nano) == (500_000, 1_000_000, 500_000, 0)


@given(st.decimals(min_value=0, max_value=1, places=12))
def test_a_report_is_booked_to_its_last_nano(reported: Decimal) -> None:
    usage = Usage(input_text=10_000, cache_read=7, output_text=10_000, reported_cost_usd=reported)
    entry = price_entry("m", {"input_cost_per_token": "0.000007", "output_cost_per_token": "0.000011"})
    assert _cost(usage, entry, trusts_cost=True).total_nano == round(reported * 10**9)


def test_a_report_without_anything_computed_is_other() -> None:
    billed = _cost(_REPORT, None, trusts_cost=True)
    assert (billed.source, billed.total_nano, billed.other_nano) == ("provider", 1_500_000, 1_500_000)


@pytest.mark.parametrize(("trusts_cost", "custom"), [(False, False), (True, True), (False, True)])
def test_an_untrusted_report_is_only_logged(trusts_cost: bool, custom: bool) -> None:
    billed = _cost(_REPORT, trusts_cost=trusts_cost, custom=custom)
    assert (billed.source, billed.total_nano) == ("custom" if custom else "computed", 3_000_000)
    assert billed.basis["reported_usd"] == "0.0015"
    assert "reported_ignored" not in billed.basis


@pytest.mark.parametrize(
    ("reported", "why"),
    [
        ("-0.001", "negative"),
        ("NaN", "not finite"),
        ("Infinity", "not finite"),
        ("0.3000001", "more than 100 times the computed cost"),
        ("1E+999999", "more than 1000000 USD"),
    ],
)
def test_an_implausible_report_is_ignored_and_says_why(reported: str, why: str) -> None:
    billed = _cost(msgspec.structs.replace(_REPORT, reported_cost_usd=Decimal(reported)), trusts_cost=True)
    assert (billed.source, billed.total_nano) == ("computed", 3_000_000)
    assert billed.basis["reported_ignored"] == why
    assert billed.basis["reported_usd"] == reported


def test_a_report_of_a_hundred_times_the_computed_cost_is_still_booked() -> None:
    usage = msgspec.structs.replace(_REPORT, reported_cost_usd=Decimal("0.3"))
    assert _cost(usage, trusts_cost=True).total_nano == 300_000_000


def test_a_report_of_zero_is_a_figure() -> None:
    billed = _cost(msgspec.structs.replace(_REPORT, reported_cost_usd=Decimal(0)), trusts_cost=True)
    assert (billed.source, billed.total_nano) == ("provider", 0)


def test_a_trusted_report_is_adjusted_like_any_list_price() -> None:
    billed = _cost(_REPORT, trusts_cost=True, adjustments=Adjustments(discounts={"acme": Decimal("0.2")}))
    assert (billed.list_nano, billed.total_nano, billed.adjustment_nano) == (1_500_000, 1_200_000, -300_000)


def test_the_basis_is_plain_json() -> None:
    fields = {
        "input_cost_per_token": "0.000001",
        "provider_specific_entry": {"us": Decimal("1.1")},
        "tiered_pricing": [{"range": [0, 10], "input_cost_per_token": "0.000001"}],
    }
    billed = _cost(Usage(input_text=1, output_text=1, region="us", service_tier="flex"), price_entry("m", fields))
    assert msgspec.json.decode(msgspec.json.encode(billed.basis)) == billed.basis
    assert billed.basis["tier"] == "flex"
