"""Usage: disjoint inside, inclusive on the wire."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.usage import INPUT_BUCKETS, OUTPUT_BUCKETS, Usage
from tianji_core.dialects.openai_chat.usage import decode_usage, encode_usage

_COUNT = st.none() | st.integers(0, 5000)
_DETAIL = st.dictionaries(
    st.sampled_from(["cached_tokens", "audio_tokens", "reasoning_tokens", "image_tokens", "cache_write_tokens"]), _COUNT
)
_IN = st.dictionaries(
    st.sampled_from(["cached_tokens", "cache_write_tokens", "cache_creation_tokens", "audio_tokens", "video_tokens"]), _COUNT
)
_OUT = st.dictionaries(st.sampled_from(["reasoning_tokens", "audio_tokens", "image_tokens", "rejected_prediction_tokens"]), _COUNT)


def test_cached_and_reasoning_tokens_are_taken_out_of_the_totals() -> None:
    usage = decode_usage(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 20, "accepted_prediction_tokens": 0},
        }
    )
    assert usage == Usage(input_text=50, cache_read=40, input_audio=10, output_text=30, reasoning=20, accepted_prediction=0)


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        ({"cost": Decimal("0.00012")}, Decimal("0.00012")),
        ({"cost": {"total_cost": Decimal("0.5")}}, Decimal("0.5")),
        ({"cost_in_usd_ticks": 12345}, Decimal("0.0000012345")),
        ({"cost": True}, None),
        ({}, None),
    ],
)
def test_reported_cost_is_exact(value: dict[str, object], cost: Decimal | None) -> None:
    assert decode_usage(value).reported_cost_usd == cost


def test_reasoning_beside_the_completion_tokens_is_added_when_the_total_says_so() -> None:
    value = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 45, "completion_tokens_details": {"reasoning_tokens": 30}}
    usage = decode_usage(value)
    assert (usage.output_text, usage.reasoning, usage.output_total) == (5, 30, 35)


def test_deepseeks_cache_hits_count_as_cached() -> None:
    assert decode_usage({"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 8}).cache_read == 8


@given(
    st.fixed_dictionaries(
        {"prompt_tokens": _COUNT, "completion_tokens": _COUNT, "prompt_tokens_details": _DETAIL, "completion_tokens_details": _DETAIL}
    )
)
def test_buckets_are_never_negative_and_add_up_to_the_reported_totals(value: dict[str, object]) -> None:
    usage = decode_usage(value)
    counts = [count for name in (*INPUT_BUCKETS, *OUTPUT_BUCKETS) if (count := getattr(usage, name)) is not None]
    assert all(count >= 0 for count in counts)
    for reported, total in ((value["prompt_tokens"], usage.input_total), (value["completion_tokens"], usage.output_total)):
        assert reported is None or total == reported


@given(st.builds(Usage, **dict.fromkeys(("input_text", "cache_read", "output_text", "reasoning", "input_audio"), _COUNT)))
def test_wire_totals_include_every_bucket(usage: Usage) -> None:
    value = encode_usage(usage)
    assert value["total_tokens"] == (usage.input_total or 0) + (usage.output_total or 0)


def test_what_has_no_bucket_survives() -> None:
    value = {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "queue_time": Decimal("0.1"),
        "prompt_tokens_details": {"text_tokens": 1},
    }
    assert encode_usage(decode_usage(value)) == value


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), _COUNT),
            "prompt_tokens_details": st.none() | _IN,
            "completion_tokens_details": st.none() | _OUT,
        },
    ),
    st.booleans(),
)
def test_objects_in_openais_own_words_and_any_others_are_read_the_same(value: dict[str, object], outside: bool) -> None:
    other = decode_usage({**value, "of_another_provider": 1}, reasoning_outside=outside, service_tier="flex")
    assert other.rest == {"of_another_provider": 1}
    assert msgspec.structs.replace(other, rest={}) == decode_usage(value, reasoning_outside=outside, service_tier="flex")
