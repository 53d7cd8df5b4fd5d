"""Usage in disjoint buckets, and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.usage import ModelUsage, Usage
from tianji_core.dialects.anthropic_messages.usage import decode_usage, encode_usage, joined_usage

_FULL: dict[str, Any] = {
    "input_tokens": 20,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 400,
    "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40},
    "output_tokens": 30,
    "output_tokens_details": {"thinking_tokens": 10},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    "service_tier": "standard",
    "inference_geo": "us",
    "speed": "fast",
    "new_thing": {"a": 1},
}


def test_every_figure_has_a_bucket_of_its_own() -> None:
    usage = decode_usage(_FULL)
    assert usage == Usage(
        input_text=20,
        cache_read=400,
        cache_write_5m=60,
        cache_write_1h=40,
        output_text=20,
        reasoning=10,
        units={"web_searches": 2, "web_fetches": 0},
        service_tier="standard",
        region="us",
        speed="fast",
        rest={"new_thing": {"a": 1}},
    )
    assert (usage.input_total, usage.output_total) == (520, 30)


def test_full_usage_survives_the_way_back() -> None:
    assert encode_usage(decode_usage(_FULL)) == _FULL


@pytest.mark.parametrize(
    ("total", "details", "buckets"),
    [
        (100, None, (None, None, 100)),
        (100, {"ephemeral_5m_input_tokens": 70, "ephemeral_1h_input_tokens": 0}, (70, 0, 30)),
        (100, {"ephemeral_5m_input_tokens": 100}, (100, None, None)),
        (None, {"ephemeral_5m_input_tokens": 5}, (5, None, None)),
        (0, None, (None, None, 0)),
    ],
)
def test_written_tokens_whose_lifetime_is_not_said_stay_apart(
    total: int | None, details: dict[str, int] | None, buckets: tuple[int | None, ...]
) -> None:
    usage = decode_usage({"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": total, "cache_creation": details})
    assert (usage.cache_write_5m, usage.cache_write_1h, usage.cache_write) == buckets


def test_absent_details_are_not_zero() -> None:
    usage = decode_usage({"input_tokens": 3, "output_tokens": 4})
    assert (usage.reasoning, usage.cache_read, usage.units) == (None, None, {})
    assert encode_usage(usage) == {
        "input_tokens": 3,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": None,
        "output_tokens": 4,
    }


def test_compaction_rounds_are_added_and_shown_apart_again() -> None:
    rounds = [
        {"type": "compaction", "input_tokens": 1000, "output_tokens": 50},
        {"type": "message", "input_tokens": 20, "output_tokens": 5, "cache_read_input_tokens": 2},
        {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 7, "output_tokens": 7},
    ]
    value = {"input_tokens": 20, "output_tokens": 5, "cache_read_input_tokens": 2, "iterations": rounds}
    usage = decode_usage(value)
    assert (usage.input_text, usage.output_text, usage.cache_read) == (1020, 55, 2)
    shown = encode_usage(usage)
    assert {name: shown[name] for name in value} == value


def test_rounds_of_an_advisor_are_another_models_usage() -> None:
    advice = {"type": "advisor_message", "model": "claude-opus-5-5", "input_tokens": 7, "output_tokens": 9, "cache_read_input_tokens": 1}
    written = {"cache_creation_input_tokens": 3, "cache_creation": {"ephemeral_5m_input_tokens": 3}}
    rounds = [{"type": "message", "input_tokens": 20, "output_tokens": 5}, advice, {**advice, **written}]
    usage = decode_usage({"input_tokens": 20, "output_tokens": 5, "inference_geo": "us", "iterations": rounds})
    assert (usage.input_total, usage.output_total) == (20, 5)
    inner = Usage(input_text=14, cache_read=2, cache_write_5m=3, output_text=18, region="us")
    assert usage.others == (ModelUsage(model="claude-opus-5-5", usage=inner),)


def test_round_that_is_no_advisors_is_billed_with_the_answer_alone() -> None:
    rounds = [{"type": "message", "model": "claude-opus-5-5", "input_tokens": 20, "output_tokens": 5}]
    assert decode_usage({"input_tokens": 20, "output_tokens": 5, "iterations": rounds}).others == ()


def test_thinking_is_never_more_than_the_output() -> None:
    usage = decode_usage({"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 9}})
    assert (usage.output_text, usage.reasoning) == (0, 3)


def test_openais_tiers_and_modalities_are_told_in_anthropics_words() -> None:
    shown = encode_usage(Usage(input_text=5, input_audio=2, cache_read=3, output_text=1, service_tier="default"))
    assert (shown["input_tokens"], shown["cache_read_input_tokens"], shown["service_tier"]) == (7, 3, "standard")


def test_no_usage_is_two_zeros() -> None:
    assert encode_usage(None) == {"input_tokens": 0, "output_tokens": 0}


def test_stream_takes_the_last_value_and_keeps_what_is_not_repeated() -> None:
    first = {"input_tokens": 20, "cache_read_input_tokens": 5, "output_tokens": 3}
    assert joined_usage(first, {"output_tokens": 2, "input_tokens": 0, "cache_read_input_tokens": None}) == {
        "input_tokens": 20,
        "cache_read_input_tokens": 5,
        "output_tokens": 2,
    }
    assert joined_usage(first, {"input_tokens": 30})["input_tokens"] == 30


_counts = st.none() | st.integers(0, 10**6)


@given(_counts, _counts, _counts, _counts, st.integers(0, 10**6), st.integers(0, 10**6))
def test_buckets_survive_the_way_there_and_back(
    text: int | None, read: int | None, five: int | None, hour: int | None, out: int, thought: int
) -> None:
    usage = Usage(input_text=text or 0, cache_read=read, cache_write_5m=five, cache_write_1h=hour, output_text=out, reasoning=thought)
    assert decode_usage(encode_usage(usage)) == usage
