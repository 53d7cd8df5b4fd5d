"""Metrics, from events to what a scraper reads."""

import msgspec
import pytest

from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.telemetry.prometheus import CallMetrics
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent


def _event(cost: Cost | None = None) -> CallEvent:
    return CallEvent(
        call_id="1", operation="chat", surface="openai_chat", route="/v1", model_asked="fast", model_group="fast", model="gpt-4o",
        provider="openai", started_at_ns=0, ended_at_ns=1, usage_source="provider", cost=cost or Cost(source="computed"), status="ok",
        http_status=200,
    )  # fmt: skip


def _lines(metrics: CallMetrics, name: str) -> list[str]:
    return [line for line in metrics.render(None)[1].decode().splitlines() if line.startswith(f"{name}_total{{")]


@pytest.mark.parametrize("reason", ["negative", "more than 100 times the computed cost"])
def test_cost_that_was_not_believed_is_counted_by_provider_and_reason(reason: str) -> None:
    metrics = CallMetrics(FixedClock())
    metrics.call_finished(_event(Cost(source="computed", basis={"reported_ignored": reason, "reported_usd": "9"})))
    metrics.call_finished(_event(Cost(source="computed", basis={"reported_usd": "9"})))
    assert _lines(metrics, "tianji_ignored_reported_costs") == [
        f'tianji_ignored_reported_costs_total{{provider="openai",reason="{reason}"}} 1.0'
    ]


def test_calls_without_a_price_are_counted_by_model() -> None:
    metrics = CallMetrics(FixedClock())
    metrics.follow(known_models=frozenset({"fast"}), litellm_names=False)
    metrics.call_finished(_event(Cost(source="zero_unpriced")))
    metrics.call_finished(_event())
    assert _lines(metrics, "tianji_unpriced_calls") == [
        'tianji_unpriced_calls_total{model="gpt-4o",model_group="fast",provider="openai"} 1.0'
    ]


def test_only_model_names_of_the_configuration_become_labels() -> None:
    metrics = CallMetrics(FixedClock())
    metrics.call_finished(_event())
    metrics.follow(known_models=frozenset({"fast"}), litellm_names=False)
    metrics.call_finished(_event())
    groups = [line.partition('model_group="')[2].partition('"')[0] for line in _lines(metrics, "tianji_calls")]
    assert groups == ["other", "fast"]


def test_other_names_come_and_go_with_the_configuration_and_count_anew() -> None:
    metrics = CallMetrics(FixedClock())
    for _ in range(2):
        metrics.follow(known_models=frozenset({"fast"}), litellm_names=True)
        metrics.follow(known_models=frozenset({"fast"}), litellm_names=True)
        metrics.call_finished(_event())
        (line,) = _lines(metrics, "litellm_requests_metric")
        assert line.endswith(" 1.0")
        metrics.follow(known_models=frozenset({"fast"}), litellm_names=False)
        assert "litellm_" not in metrics.render(None)[1].decode()


def test_gauge_is_read_at_each_scrape() -> None:
    metrics, numbers = CallMetrics(FixedClock()), iter([3.0, 4.0])
    metrics.gauge("tianji_things", "Things", lambda: next(numbers))
    assert "tianji_things 3.0\n" in metrics.render(None)[1].decode()
    assert "tianji_things 4.0\n" in metrics.render(None)[1].decode()


def test_calls_that_cost_more_than_was_held_for_them_are_counted() -> None:
    metrics = CallMetrics(FixedClock())
    metrics.follow(known_models=frozenset({"fast"}), litellm_names=False)
    for exceeded in (0, 1, 500):
        metrics.call_finished(msgspec.structs.replace(_event(), exceeded_nano=exceeded))
    assert _lines(metrics, "tianji_reservation_exceeded") == ['tianji_reservation_exceeded_total{model_group="fast",provider="openai"} 2.0']


def test_count_that_somebody_else_keeps_is_read_at_each_scrape() -> None:
    metrics, counts = CallMetrics(FixedClock()), iter([3, 4])
    metrics.count("tianji_things", "Things", lambda: next(counts))
    assert [b"tianji_things_total %d.0\n" % count in metrics.render(None)[1] for count in (3, 4)] == [True, True]
