"""The price of a call whose process ended before it: the journal asks when it takes over what such a process left."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from tianji_app.snapshot import Snapshot
from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.usage import Usage
from tianji_core.ports.journal import OpenCall
from tianji_core.pricing.rounds import cost_with_rounds, public_entry


@dataclass(slots=True)
class InterruptedPrices:
    """Prices such calls by the snapshot that is in force."""

    snapshot: Snapshot

    def follow(self, snapshot: Snapshot) -> None:
        """Take over a new snapshot."""
        self.snapshot = snapshot

    def __call__(self, call: OpenCall, usage: Usage) -> Cost:
        """Return what a usage costs."""
        return interrupted_cost(self.snapshot, call, usage)


def interrupted_cost(snapshot: Snapshot, call: OpenCall, usage: Usage) -> Cost:
    """Return what a usage costs at the deployment that served the call.

    A deployment that is not configured any more has the public price of its model.
    """
    known = (deployment for deployment in snapshot.config.deployments if deployment.id == call.deployment_id)
    gone = Deployment(id=DeploymentId(call.deployment_id), group=call.model_group, provider=call.provider, model=call.model)
    deployment = msgspec.structs.replace(next(known, gone), model=call.model)
    entry = snapshot.prices.resolve(deployment, None)
    provider = snapshot.providers.get(call.provider)
    return cost_with_rounds(
        usage,
        entry,
        entry_of=partial(public_entry, snapshot.prices, deployment),
        provider=call.provider,
        trusts_cost=provider.trusts_cost if provider is not None else False,
        custom=entry.custom if entry is not None else False,
        at=datetime.fromtimestamp((call.attempt_at_ns or call.started_at_ns) / 1e9, UTC),
        adjustments=snapshot.adjustments,
        model=call.model,
    )
