"""Ratios over rounds: medians with the range. Rounds in which the load was the limit do not count."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Round = Mapping[str, Mapping[str, float]]
"""The figures of one round by peer and name."""

Ratio = Callable[[Round], float | None]
_LEAST_DIRECT = 1.1


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of a ratio over the rounds, and its range."""

    middle: float
    low: float
    high: float


def spread(rounds: Sequence[Round], ratio: Ratio) -> Spread | None:
    """Return the ratio over the rounds that have it; None where none has."""
    values = sorted(value for one in rounds if (value := ratio(one)) is not None)
    return Spread(median(values), values[0], values[-1]) if values else None


def counts(one: Round) -> bool:
    """Whether the load was faster than the fastest gateway, so that it did not measure itself."""
    direct_to_nginx = quotient(figure(one, "direct", "json_rps"), figure(one, "nginx", "json_rps"))
    return direct_to_nginx is not None and direct_to_nginx >= _LEAST_DIRECT


def figure(one: Round, peer: str, name: str) -> float | None:
    """Return a figure, or None where it was not measured."""
    return one.get(peer, {}).get(name)


def added(one: Round, peer: str, name: str) -> float | None:
    """Return by how much a duration is longer than without a gateway; None where it is not, which is noise."""
    through, direct = figure(one, peer, name), figure(one, "direct", name)
    return through - direct if through is not None and direct is not None and through > direct else None


def quotient(above: float | None, below: float | None) -> float | None:
    """Return above ÷ below where there are both."""
    return above / below if above is not None and below else None


def of(name: str, peer: str, other: str) -> Ratio:
    """Return the ratio of one figure between two peers."""
    return lambda one: quotient(figure(one, peer, name), figure(one, other, name))


def within(peer: str, name: str, other: str) -> Ratio:
    """Return the ratio of two figures of one peer."""
    return lambda one: quotient(figure(one, peer, name), figure(one, peer, other))


def of_added(name: str, peer: str, other: str) -> Ratio:
    """Return the ratio between what two peers add to a duration."""
    return lambda one: quotient(added(one, peer, name), added(one, other, name))
