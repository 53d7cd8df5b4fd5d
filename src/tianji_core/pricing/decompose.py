"""A call's usage, decomposed into the lines of its bill at list price.

Every token stands in exactly one bucket of `Usage` and every bucket has exactly one line, so nothing is billed twice.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from tianji_core.calls.usage import Usage
from tianji_core.pricing.entry import PriceEntry, RateCard
from tianji_core.pricing.units import (
    DEFAULT_SEARCH_SIZE,
    FREE_UNITS,
    PIECE_LINES,
    REQUEST,
    SEARCH_SIZES,
    TOKEN_LINES,
    WEB_SEARCHES,
    Component,
)

_ORDINARY_TIERS = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand"})
_TIER_WORDS = {"fast": "priority", "on_demand_priority": "priority", "batch": "batches"}
_GEMINI_BATCH = "BATCH"
_ONE = Decimal(1)


class Line(msgspec.Struct, frozen=True):
    """One line of a bill: what (a bucket or a unit), how many, and USD for all of them; None where no rate says what it costs."""

    what: str
    component: Component
    count: int
    usd: Decimal | None


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A bill at list price.

    Attributes:
        basis: Which tier, threshold and factors made it, for the reader.
    """

    lines: tuple[Line, ...]
    basis: Mapping[str, object]

    @property
    def unpriced(self) -> tuple[str, ...]:
        """What was used and has no rate."""
        return tuple(line.what for line in self.lines if line.usd is None)

    def by_component(self) -> dict[Component, Decimal]:
        """Return USD by part of the bill."""
        totals: dict[Component, Decimal] = {}
        for line in self.lines:
            if line.usd is not None:
                totals[line.component] = totals.get(line.component, Decimal(0)) + line.usd
        return totals

    def usd_of(self, what: str) -> Decimal:
        """Return USD of one line; 0 where it is not there."""
        return sum((line.usd for line in self.lines if line.what == what and line.usd is not None), Decimal(0))


def decompose(usage: Usage, entry: PriceEntry, *, provider: str, at: datetime) -> Listing:
    """Return the bill of one call.

    Args:
        provider: Its id; xAI counts a prompt of exactly a threshold as above it.
        at: Aware instant that decides about cheap hours.
    """
    input_tokens = usage.input_total or 0
    card, basis = choose_card(entry, input_tokens, at)
    crossed = card.crossed(input_tokens, at_threshold=provider == "xai")
    tier = service_tier(usage.service_tier)
    factors = factors_of(entry, usage)
    factor = _ONE
    for value in factors.values():
        factor *= value
    lines: list[Line] = []
    used = 0
    for line in TOKEN_LINES:
        count = getattr(usage, line.bucket)
        if count:
            found = card.find(line.rates, crossed, tier)
            used = max(used, found[1] if found else 0)
            lines.append(Line(line.bucket, line.component, count, count * found[0] * factor if found else None))
    lines.extend(_piece_lines(usage, entry))
    if tier:
        basis["tier"] = tier
    if used:
        basis["above_tokens"] = used
    if factors:
        basis["factors"] = {name: str(value) for name, value in factors.items()}
    return Listing(lines=tuple(lines), basis=basis)


def service_tier(word: str | None) -> str:
    """Return the price table's word for the tier that served, as the provider reports it; "" is the ordinary one.

    Gemini reports `BATCH` for traffic that is billed as its flex tier; Anthropic's and OpenAI's `batch` has prices of its own.
    """
    if word is None:
        return ""
    if word == _GEMINI_BATCH:
        return "flex"
    lower = word.lower()
    return "" if lower in _ORDINARY_TIERS else _TIER_WORDS.get(lower, lower)


def factors_of(entry: PriceEntry, usage: Usage) -> dict[str, Decimal]:
    """Return what multiplies the token rates of this call, by its reason: where it was served, and how fast."""
    factors: dict[str, Decimal] = {}
    region = usage.region.lower() if usage.region else ""
    if region in entry.factors:
        factors[f"region {region}"] = entry.factors[region]
    elif region and region != "global" and entry.region_factor is not None:
        factors[f"region {region}"] = entry.region_factor
    if usage.speed and usage.speed in entry.factors:
        factors[f"speed {usage.speed}"] = entry.factors[usage.speed]
    return factors


def choose_card(entry: PriceEntry, input_tokens: int, at: datetime) -> tuple[RateCard, dict[str, object]]:
    """Return the rates that hold for a prompt of this size at this instant, and what a bill says of the choice."""
    row = entry.row_for(input_tokens)
    if row is not None:
        return row.card, {"row": [row.low, row.high]}
    cheap = entry.off_peak_card(at)
    if cheap is not None:
        return cheap, {"off_peak": True}
    return entry.card, {}


def _piece_lines(usage: Usage, entry: PriceEntry) -> Iterator[Line]:
    request = entry.pieces.get(REQUEST)
    if request is not None:
        yield Line("request", "other", 1, request)
    counts = _sized_searches(usage)
    for line in PIECE_LINES:
        count = counts.pop(line.unit, 0)
        rate = entry.pieces.get(line.rate)
        if count:
            yield Line(line.unit, line.component, count, count * rate / line.per if rate is not None else None)
    for unit, count in counts.items():
        if count and unit not in FREE_UNITS:
            yield Line(unit, "other", count, None)


def _sized_searches(usage: Usage) -> dict[str, int]:
    """Name searches by their size: as reported beside the usage, else the size that providers use when none is asked for."""
    counts = dict(usage.units)
    searches = counts.pop(WEB_SEARCHES, 0)
    if searches:
        size = usage.rest.get("search_context_size")
        unit = f"{WEB_SEARCHES}_{size if size in SEARCH_SIZES else DEFAULT_SEARCH_SIZE}"
        counts[unit] = counts.get(unit, 0) + searches
    return counts
