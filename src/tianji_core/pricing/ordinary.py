"""The cost of an ordinary attempt in integer arithmetic: tokens at list price, nothing by piece, no factor, no report to weigh.

It gives what the general computation in `cost` gives, to the last nano-USD, for a tenth of its work.
"""

from datetime import datetime
from itertools import compress
from operator import attrgetter

from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import Usage
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.decompose import choose_card, factors_of, service_tier
from tianji_core.pricing.entry import Column, PriceEntry
from tianji_core.pricing.rounding import apportion_whole, whole_to_nano
from tianji_core.pricing.units import REQUEST, TOKEN_LINES, Component

_counts_of = attrgetter(*(line.bucket for line in TOKEN_LINES))
_COMPONENTS: tuple[Component, ...] = tuple(line.component for line in TOKEN_LINES)
_PLACES = tuple(range(len(TOKEN_LINES)))
_REASONING = next(place for place, line in enumerate(TOKEN_LINES) if line.bucket == "reasoning")


def ordinary_cost(usage: Usage, entry: PriceEntry, *, provider: str, custom: bool, at: datetime, adjustments: Adjustments) -> Cost | None:
    """Return what an attempt costs, or None where it is not an ordinary one; the arguments are those of `cost`."""
    if not _is_ordinary(usage, entry, adjustments):
        return None
    card, basis = choose_card(entry, usage.input_total or 0, at) if entry.rows or entry.off_peak is not None else (entry.card, {})
    tier = "" if usage.service_tier is None else service_tier(usage.service_tier)
    column = card.column(usage.input_total or 0 if card.thresholds else 0, tier, at_threshold=provider == "xai")
    counts = _counts_of(usage)
    listed = None if column is None else _listed(counts, column)
    if column is None or listed is None:
        return None
    told: dict[str, object] = {"entry": entry.key, **basis}
    if tier:
        told["tier"] = tier
    if not column.is_ordinary and (used := max(compress(column.above, counts), default=0)):
        told["above_tokens"] = used
    nano = apportion_whole(listed, column.per_nano)
    total = sum(nano.values())
    output = nano.get("output", 0)
    thought, rate = counts[_REASONING], column.rates[_REASONING]
    return Cost(
        total_nano=total,
        list_nano=total,
        input_nano=nano.get("input", 0),
        cache_read_nano=nano.get("cache_read", 0),
        cache_write_nano=nano.get("cache_write", 0),
        output_nano=output,
        reasoning_nano=min(whole_to_nano(thought * rate, column.per_nano), output) if thought and rate else 0,
        source="custom" if custom else "computed",
        basis=told,
    )


def _is_ordinary(usage: Usage, entry: PriceEntry, adjustments: Adjustments) -> bool:
    if usage.reported_cost_usd is not None or adjustments.discounts or adjustments.margins or REQUEST in entry.pieces:
        return False
    if usage.units and any(usage.units.values()):
        return False
    return (usage.region is None and usage.speed is None) or not factors_of(entry, usage)


def _listed(counts: tuple[int | None, ...], column: Column) -> dict[Component, int] | None:
    """Return the list price by part of the bill; None where something used has no rate."""
    parts: dict[Component, int] = {}
    for place in compress(_PLACES, counts):
        count, rate = counts[place], column.rates[place]
        if count is None or rate is None:
            return None
        component = _COMPONENTS[place]
        parts[component] = parts.get(component, 0) + count * rate
    return parts
