"""Counters and histograms of our own for Prometheus' client: to count a call is a look-up and an addition.

The client's own take a lock and several checks for each number, which a process with one loop pays for nothing. What a scraper reads is
the same. A metric has at most `MOST_SERIES` label sets; what would be one more is counted under the label value `other`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from tianji_core.ports.clock import Clock

MOST_SERIES = 10_000
OTHER = "other"


@dataclass(slots=True, eq=False)
class Counts(Collector):
    """A counter. Not for several threads."""

    name: str
    text: str
    labels: Sequence[str]
    clock: Clock
    most: int = MOST_SERIES
    _series: dict[tuple[str, ...], float] = field(default_factory=dict)
    _created: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, *values: str, amount: float = 1.0) -> None:
        """Count in the series of these label values, in the order of `labels`; a zero makes no series."""
        if values in self._series:
            self._series[values] += amount
        elif amount:
            place = _place(values, self._series, self.most)
            self._series[place] = self._series.get(place, 0.0) + amount
            self._created.setdefault(place, self.clock.now_ns() / 1e9)

    def collect(self) -> Iterable[Metric]:
        """Return the metric as it is now."""
        family = CounterMetricFamily(self.name, self.text, labels=self.labels)
        for values, count in self._series.items():
            family.add_metric(values, count, created=self._created[values])
        return (family,)


@dataclass(slots=True, eq=False)
class _Series:
    counts: list[int]
    created: float
    sum: float = 0.0


@dataclass(slots=True, eq=False)
class Spread(Collector):
    """A histogram with these upper bounds, ascending. Not for several threads."""

    name: str
    text: str
    labels: Sequence[str]
    bounds: Sequence[float]
    clock: Clock
    most: int = MOST_SERIES
    _series: dict[tuple[str, ...], _Series] = field(default_factory=dict)

    def observe(self, *values: str, amount: float | None) -> None:
        """Observe in the series of these label values, where there is something to observe."""
        if amount is None:
            return
        series = self._series.get(values)
        if series is None:
            begun = _Series([0] * (len(self.bounds) + 1), self.clock.now_ns() / 1e9)
            series = self._series.setdefault(_place(values, self._series, self.most), begun)
        series.counts[bisect_left(self.bounds, amount)] += 1
        series.sum += amount

    def collect(self) -> Iterable[Metric]:
        """Return the metric as it is now."""
        family = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        ends = [*map(floatToGoString, self.bounds), "+Inf"]
        for values, series in self._series.items():
            reached, buckets = 0, []
            for end, count in zip(ends, series.counts, strict=True):
                reached += count
                buckets.append((end, float(reached)))
            family.add_metric(values, buckets, series.sum)
            family.add_sample(f"{self.name}_created", dict(zip(self.labels, values, strict=True)), series.created)
        return (family,)


def _place(values: tuple[str, ...], known: dict[tuple[str, ...], float] | dict[tuple[str, ...], _Series], most: int) -> tuple[str, ...]:
    """Return where a label set that is not known is counted."""
    return values if len(known) < most else tuple(OTHER for _ in values)
