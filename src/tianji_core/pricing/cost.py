"""What one billed attempt costs.

    list price   = the lines of the bill, or what the provider itself reports
    total        = (list price × (1 − discount)) × (1 + margin) + fixed margin, rounded once, half to even

The parts of the list price are cut so that they add up to its rounded total; the adjustment (total − list price, signed) is counted in
`other`, so the parts of a `Cost` always add up to its total.
"""

from datetime import datetime
from decimal import Context, Decimal, localcontext

import msgspec

from tianji_core.calls.cost import Cost, CostSource
from tianji_core.calls.usage import Usage
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.decompose import Listing, decompose
from tianji_core.pricing.entry import PriceEntry
from tianji_core.pricing.ordinary import ordinary_cost
from tianji_core.pricing.rounding import apportion, to_nano
from tianji_core.pricing.units import Component

# Counts × rate × factors × discount × margin has fewer digits than this: nothing is rounded before the end.
_EXACT = Context(prec=100)
_IMPLAUSIBLE = 100
# More than any call can cost, and far below what the ledger's integers hold.
_MOST_USD = Decimal(1_000_000)
_ZERO = Decimal(0)
_UNPRICED = Listing(lines=(), basis={})


class _ListPrice(msgspec.Struct, frozen=True):
    """USD by part, how much of the output was reasoning, and where the figures come from."""

    parts: dict[Component, Decimal]
    reasoning: Decimal
    source: CostSource
    basis: dict[str, object]


def cost(
    usage: Usage,
    entry: PriceEntry | None,
    *,
    provider: str,
    trusts_cost: bool,
    custom: bool,
    at: datetime,
    adjustments: Adjustments,
    model: str | None = None,
) -> Cost:
    """Return what an attempt costs.

    Args:
        entry: From `PriceTable.resolve`; None where nobody knows a price.
        provider: The id of the provider that served.
        trusts_cost: Whether the provider's own figure may be booked.
        custom: Whether the deployment has prices of its own (`PriceEntry.custom`): they win over the provider's figure.
        at: Aware instant at which the attempt's first byte was sent; it decides about cheap hours.
        model: What was sent upstream, for discounts by model; the entry's key where it is not given.

    Returns:
        A cost whose parts add up. `basis` names what it was made from, and `reported_usd` or `reported_ignored` where the provider
        reported a figure that was not booked. Without a price nothing is billed, no fixed margin either.
    """
    if entry is not None:
        ordinary = ordinary_cost(usage, entry, provider=provider, custom=custom, at=at, adjustments=adjustments)
        if ordinary is not None:
            return ordinary
    return general_cost(
        usage, entry, provider=provider, trusts_cost=trusts_cost, custom=custom, at=at, adjustments=adjustments, model=model
    )


def general_cost(
    usage: Usage,
    entry: PriceEntry | None,
    *,
    provider: str,
    trusts_cost: bool,
    custom: bool,
    at: datetime,
    adjustments: Adjustments,
    model: str | None = None,
) -> Cost:
    """Return the same as `cost`, always computed in decimals."""
    with localcontext(_EXACT):
        listed = _list_price(usage, entry, provider=provider, trusted=trusts_cost and not custom, custom=custom, at=at)
        if listed.source == "zero_unpriced":
            return Cost(source="zero_unpriced", basis=listed.basis)
        return _adjusted(listed, provider, model or _model_of(entry, provider), adjustments)


def _list_price(usage: Usage, entry: PriceEntry | None, *, provider: str, trusted: bool, custom: bool, at: datetime) -> _ListPrice:
    listing = _UNPRICED if entry is None else decompose(usage, entry, provider=provider, at=at)
    parts = listing.by_component()
    computed = sum(parts.values(), _ZERO)
    basis: dict[str, object] = {} if entry is None else {"entry": entry.key, **listing.basis}
    if listing.unpriced:
        basis["unpriced"] = list(listing.unpriced)
    reported = usage.reported_cost_usd
    if reported is not None and trusted:
        fault = _fault(reported, computed)
        if fault is None:
            return _reported(reported, parts, listing.usd_of("reasoning"), basis)
        basis["reported_ignored"] = fault
    if reported is not None:
        basis["reported_usd"] = str(reported)
    nothing_has_a_rate = bool(listing.lines) and len(listing.unpriced) == len(listing.lines)
    if entry is None or nothing_has_a_rate:
        return _ListPrice({}, _ZERO, "zero_unpriced", basis)
    return _ListPrice(parts, listing.usd_of("reasoning"), "custom" if custom else "computed", basis)


def _fault(reported: Decimal, computed: Decimal) -> str | None:
    if not reported.is_finite():
        return "not finite"
    if reported < 0:
        return "negative"
    if reported > _MOST_USD:
        return f"more than {_MOST_USD} USD"
    if computed > 0 and reported > _IMPLAUSIBLE * computed:
        return f"more than {_IMPLAUSIBLE} times the computed cost"
    return None


def _reported(reported: Decimal, parts: dict[Component, Decimal], reasoning: Decimal, basis: dict[str, object]) -> _ListPrice:
    """Book the provider's figure, split as the computed cost is; all of it is `other` where nothing could be computed."""
    computed = sum(parts.values(), _ZERO)
    if not computed:
        return _ListPrice({"other": reported}, _ZERO, "provider", basis)
    share = reported / computed
    scaled = {name: usd * share for name, usd in parts.items()}
    largest = max(scaled, key=lambda name: scaled[name])
    scaled[largest] += reported - sum(scaled.values(), _ZERO)  # the division's last digit must not move the total
    return _ListPrice(scaled, reasoning * share, "provider", basis)


def _adjusted(listed: _ListPrice, provider: str, model: str, adjustments: Adjustments) -> Cost:
    discount = adjustments.discount(provider, model)
    margin = adjustments.margin(provider, model)
    list_usd = sum(listed.parts.values(), _ZERO)
    total = to_nano(list_usd * (1 - discount) * (1 + margin.fraction) + margin.fixed_usd)
    nano = apportion(listed.parts)
    list_total = sum(nano.values())
    basis = dict(listed.basis)
    for name, value in (("discount", discount), ("margin", margin.fraction), ("margin_fixed_usd", margin.fixed_usd)):
        if value:
            basis[name] = str(value)
    output = nano.get("output", 0)
    return Cost(
        total_nano=total,
        list_nano=list_total,
        input_nano=nano.get("input", 0),
        cache_read_nano=nano.get("cache_read", 0),
        cache_write_nano=nano.get("cache_write", 0),
        output_nano=output,
        reasoning_nano=min(to_nano(listed.reasoning), output),
        tools_nano=nano.get("tools", 0),
        other_nano=nano.get("other", 0) + total - list_total,
        adjustment_nano=total - list_total,
        source=listed.source,
        basis=basis,
    )


def _model_of(entry: PriceEntry | None, provider: str) -> str:
    return entry.key.removeprefix(f"{provider}/") if entry is not None else ""
