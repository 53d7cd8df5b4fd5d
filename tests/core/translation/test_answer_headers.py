"""The headers of an answer."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.cost import Cost
from tianji_core.calls.events import Attempt
from tianji_core.translation.answer_headers import AnswerFacts, HeaderSet, answer_headers, usd


def _facts(**changes: Any) -> AnswerFacts:
    values: dict[str, Any] = {
        "call_id": "c-1", "model_group": "fast", "model": "gpt-4o", "deployment_id": "d1", "cost": Cost(total_nano=1_234), **changes
    }  # fmt: skip
    return AnswerFacts(**values)


def test_whole_answer_has_its_cost_and_length_and_a_twin_of_each_header() -> None:
    headers = dict(answer_headers(_facts(), envelope="openai", length=10, twins=True))
    assert (headers["content-length"], headers["x-request-id"]) == ("10", "c-1")
    assert headers["x-tianji-response-cost"] == headers["x-litellm-response-cost"] == "0.000001234"
    assert "x-litellm-model-name" not in headers


def test_stream_has_neither_cost_nor_length() -> None:
    headers = dict(answer_headers(_facts(), envelope="anthropic", length=None, twins=False))
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["request-id"] == "c-1"
    assert not {"content-length", "x-tianji-response-cost", "x-litellm-call-id"} & set(headers)


def test_dropped_parameters_and_warnings_are_named() -> None:
    headers = dict(answer_headers(_facts(dropped_params=("seed", "n"), warnings=("a", "b")), envelope="openai", length=1, twins=True))
    assert (headers["x-tianji-dropped-params"], headers["x-tianji-warning"]) == ("seed,n", "a; b")


def test_spend_of_the_key_is_told_of_both_kinds_of_answer_where_it_is_known() -> None:
    for length in (1, None):
        headers = dict(answer_headers(_facts(key_spend_nano=2_500_000_000), envelope="openai", length=length, twins=True))
        assert headers["x-tianji-key-spend"] == headers["x-litellm-key-spend"] == "2.5"
        assert "x-tianji-key-spend" not in dict(answer_headers(_facts(), envelope="openai", length=length, twins=True))


def _all_names(names: HeaderSet, *, length: int | None) -> dict[str, str]:
    facts = _facts(
        cost=Cost(total_nano=7, list_nano=9, input_nano=4, output_nano=3, reasoning_nano=1),
        started_at_ns=0,
        ended_at_ns=7_500_000,
        attempts=(_attempt(1_000_000, 2_000_000), _attempt(3_000_000, 7_000_000)),
        warnings=("odd",),
        key_spend_nano=1,
        api_base="https://user:secret@host:8/v1?key=secret",
        version="1.2",
    )
    return dict(answer_headers(facts, envelope="openai", length=length, twins=True, names=names))


def _attempt(start_ns: int, end_ns: int) -> Attempt:
    return Attempt(
        number=1,
        deployment_id="d1",
        provider="openai",
        model_group="fast",
        model="gpt-4o",
        started_at_ns=start_ns,
        ended_at_ns=end_ns,
        outcome="billed",
    )


def test_full_set_tells_everything_that_is_known_and_no_secret() -> None:
    basic, full = _all_names("basic", length=3), _all_names("full", length=3)
    more = {name.removeprefix("x-tianji-"): value for name, value in full.items() if name not in basic and "litellm" not in name}
    assert more == {
        "version": "1.2",
        "model-api-base": "https://host:8/v1",
        "response-cost-input": "0.000000004",
        "response-cost-output": "0.000000003",
        "response-cost-reasoning": "0.000000001",
        "response-cost-original": "0.000000009",
        "response-duration-ms": "7.500",
        "overhead-duration-ms": "2.500",
    }
    assert all(full[f"x-litellm-{name}"] == value for name, value in more.items())
    assert basic.items() <= full.items()


def test_full_set_of_a_stream_has_nothing_that_is_known_only_at_its_end() -> None:
    more = set(_all_names("full", length=None)) - set(_all_names("basic", length=None))
    assert {name for name in more if "tianji" in name} == {"x-tianji-version", "x-tianji-model-api-base"}


def test_empty_set_tells_nothing_but_the_id() -> None:
    assert _all_names("none", length=3) == {"content-type": "application/json", "x-request-id": "c-1", "content-length": "3"}


@given(st.text())
def test_any_group_name_becomes_a_header_that_can_be_sent(name: str) -> None:
    for _, value in answer_headers(_facts(model_group=name), envelope="openai", length=1, twins=True):
        assert len(value.encode("latin-1")) == len(value)
        assert "\r" not in value
        assert "\n" not in value


@pytest.mark.parametrize(
    ("nano", "text"), [(0, "0.0"), (1, "0.000000001"), (-1_500_000_000, "-1.5"), (1_500_000_000, "1.5"), (10_000_000_000, "10")]
)
def test_usd_is_plain_decimal_text(nano: int, text: str) -> None:
    assert usd(nano) == text


@given(st.integers(-(10**20), 10**20))
def test_usd_says_exactly_the_amount(nano: int) -> None:
    text = usd(nano)
    assert Decimal(text) == Decimal(nano).scaleb(-9)
    assert text == "0.0" or not text.partition(".")[2].endswith("0")
