"""Our counters and histograms show what those of Prometheus' client show."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder

from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.telemetry.tallies import OTHER, Counts, Spread

CLOCK = FixedClock()
BOUNDS = (0.005, 1, 2.5, 1048576)
FORMATS = ("text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0")
_CREATED = re.compile(r"(_created\S*|_created\{.*\}) [0-9.e+]+")
_series = st.tuples(st.sampled_from(["a", 'b"\\\n', ""]), st.sampled_from(["x", "y"]))
_amounts = st.sampled_from([0, 0.001, 0.005, 1, 1.5, 2.5, 3, 2_000_000]) | st.floats(0, 1e9)


def _shown(registry: CollectorRegistry, accept: str) -> str:
    return _CREATED.sub(r"\1 when", choose_encoder(accept)[0](registry).decode())


@pytest.mark.parametrize("accept", FORMATS)
@given(told=st.lists(st.tuples(_series, _amounts)))
def test_scraper_reads_what_the_clients_own_would_show(accept: str, told: list[tuple[tuple[str, str], float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts, spread = Counts("calls", "Calls", ("who", "how"), CLOCK), Spread("seconds", "Seconds", ("who", "how"), BOUNDS, CLOCK)
    ours.register(counts)
    ours.register(spread)
    counter = Counter("calls", "Calls", ("who", "how"), registry=theirs)
    histogram = Histogram("seconds", "Seconds", ("who", "how"), registry=theirs, buckets=BOUNDS)
    for values, amount in told:
        counts.add(*values, amount=amount)
        spread.observe(*values, amount=amount)
        if amount:
            counter.labels(*values).inc(amount)
        histogram.labels(*values).observe(amount)
    assert _shown(ours, accept) == _shown(theirs, accept)


def test_nothing_to_count_or_observe_makes_no_series() -> None:
    counts, spread = Counts("calls", "Calls", ("who",), CLOCK), Spread("seconds", "Seconds", ("who",), BOUNDS, CLOCK)
    counts.add("a", amount=0)
    spread.observe("a", amount=None)
    assert [metric.samples for metric in (*counts.collect(), *spread.collect())] == [[], []]


def test_label_sets_beyond_the_most_are_counted_together() -> None:
    counts, spread = (
        Counts("calls", "Calls", ("who", "how"), CLOCK, most=2),
        Spread("seconds", "Seconds", ("who", "how"), BOUNDS, CLOCK, most=2),
    )
    for who in ("a", "b", "c", "d", "a"):
        counts.add(who, "x")
        spread.observe(who, "x", amount=1.0)
    (calls,), (seconds,) = counts.collect(), spread.collect()
    told = {sample.labels["who"]: sample.value for sample in calls.samples if sample.name == "calls_total"}
    observed = {sample.labels["who"]: sample.value for sample in seconds.samples if sample.name == "seconds_count"}
    assert told == observed == {"a": 2.0, "b": 1.0, OTHER: 2.0}
