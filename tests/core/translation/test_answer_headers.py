"""The headers of an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent
from tianji_core.translation.answer_headers import answer_headers, usd


def _event(**changes: object) -> CallEvent:
    values: dict[str, object] = {
        "call_id": "c-1",
        "operation": "chat",
        "surface": "openai_chat",
        "route": "/v1/chat/completions",
        "model_asked": "fast",
        "model_group": "fast",
        "model": "gpt-4o",
        "deployment_id": "d1",
        "started_at_ns": 0,
        "ended_at_ns": 1,
        "status": "ok",
        "http_status": 200,
        "cost": Cost(total_nano=1_234),
        **changes,
    }
    return CallEvent(**values)  # type: ignore[arg-type]


def test_whole_answer_has_its_cost_and_length_and_a_twin_of_each_header() -> None:
    headers = dict(answer_headers(_event(), envelope="openai", length=10, twins=True))
    assert (headers["content-length"], headers["x-request-id"]) == ("10", "c-1")
    assert headers["x-tianji-response-cost"] == headers["x-litellm-response-cost"] == "0.000001234"
    assert "x-litellm-model-name" not in headers


def test_stream_has_neither_cost_nor_length() -> None:
    headers = dict(answer_headers(_event(), envelope="anthropic", length=None, twins=False))
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["request-id"] == "c-1"
    assert not {"content-length", "x-tianji-response-cost", "x-litellm-call-id"} & set(headers)


def test_dropped_parameters_and_warnings_are_named() -> None:
    headers = dict(answer_headers(_event(dropped_params=("seed", "n"), warnings=("a", "b")), envelope="openai", length=1, twins=True))
    assert (headers["x-tianji-dropped-params"], headers["x-tianji-warning"]) == ("seed,n", "a; b")


@given(st.text())
def test_any_group_name_becomes_a_header_that_can_be_sent(name: str) -> None:
    for _, value in answer_headers(_event(model_group=name), envelope="openai", length=1, twins=True):
        assert len(value.encode("latin-1")) == len(value)
        assert "\r" not in value
        assert "\n" not in value


@pytest.mark.parametrize(("nano", "text"), [(0, "0.0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (10_000_000_000, "10")])
def test_usd_is_plain_decimal_text(nano: int, text: str) -> None:
    assert usd(nano) == text
