"""What an attempt costs in which the provider asked other models too (Anthropic's advisors): each at its own price."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.usage import Usage
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.cost import cost
from tianji_core.pricing.entry import PriceEntry
from tianji_core.pricing.prices import PriceTable

_NANO = tuple(name for name in Cost.__struct_fields__ if name.endswith("_nano"))


def cost_with_rounds(
    usage: Usage,
    entry: PriceEntry | None,
    *,
    entry_of: Callable[[str], PriceEntry | None],
    provider: str,
    trusts_cost: bool,
    custom: bool,
    at: datetime,
    adjustments: Adjustments,
    model: str | None = None,
) -> Cost:
    """Return the cost of an attempt, the rounds of other models included; the arguments are those of `cost`.

    `entry_of` returns the public price of another model. A fixed margin is put on the attempt, not on each round. `basis["rounds"]`
    names each model with its share. Where the provider's own figure is booked it covers everything.
    """
    own = cost(usage, entry, provider=provider, trusts_cost=trusts_cost, custom=custom, at=at, adjustments=adjustments, model=model)
    if not usage.others or own.source == "provider":
        return own
    inner = _without_fixed(adjustments)
    rounds = {
        other.model: cost(
            other.usage,
            entry_of(other.model),
            provider=provider,
            trusts_cost=False,
            custom=False,
            at=at,
            adjustments=inner,
            model=other.model,
        )
        for other in usage.others
    }
    costs = (own, *rounds.values())
    sums = {name: sum(getattr(part, name) for part in costs) for name in _NANO}
    told = [{**part.basis, "model": name, "source": part.source, "total_nano": part.total_nano} for name, part in rounds.items()]
    source = next((part.source for part in costs if part.source != "zero_unpriced"), own.source)
    return msgspec.structs.replace(own, source=source, basis={**own.basis, "rounds": told}, **sums)


def public_entry(prices: PriceTable, deployment: Deployment, model: str) -> PriceEntry | None:
    """Return what prices another model at the same provider: neither the deployment's own prices nor its base model are that model's."""
    return prices.resolve(msgspec.structs.replace(deployment, model=model, prices={}, model_info={}), None)


def _without_fixed(adjustments: Adjustments) -> Adjustments:
    margins = {key: msgspec.structs.replace(margin, fixed_usd=margin.fixed_usd * 0) for key, margin in adjustments.margins.items()}
    return msgspec.structs.replace(adjustments, margins=margins)
