"""Token buckets."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.usage import INPUT_BUCKETS, OUTPUT_BUCKETS, ModelUsage, Usage

_COUNTS = st.none() | st.integers(0, 10**6)
_USAGES = st.builds(Usage, **dict.fromkeys((*INPUT_BUCKETS, *OUTPUT_BUCKETS), _COUNTS))


@given(_USAGES)
def test_totals_are_the_sum_of_their_buckets_and_unknown_when_all_are(usage: Usage) -> None:
    given_counts = [count for name in INPUT_BUCKETS if (count := getattr(usage, name)) is not None]
    assert usage.input_total == (sum(given_counts) if given_counts else None)


@given(_USAGES, _USAGES)
def test_newer_usage_replaces_what_it_says_and_keeps_the_rest(older: Usage, newer: Usage) -> None:
    merged = older.replaced_by(newer)
    for name in (*INPUT_BUCKETS, *OUTPUT_BUCKETS):
        said = getattr(newer, name)
        assert getattr(merged, name) == (getattr(older, name) if said is None else said)


def test_usage_of_other_models_survives_a_later_report_without_it_and_storage() -> None:
    others = (ModelUsage(model="m", usage=Usage(input_text=3)),)
    merged = Usage(others=others).replaced_by(Usage(output_text=1))
    assert merged.others == others
    assert merged.input_total is None
    assert msgspec.json.decode(msgspec.json.encode(merged), type=Usage) == merged
