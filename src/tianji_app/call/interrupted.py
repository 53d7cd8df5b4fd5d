"""The price of a call whose process ended before it: the journal asks when it takes over what such a process left."""

from datetime import UTC, datetime

import msgspec

from tianji_app.snapshot import Snapshot
from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.usage import Usage
from tianji_core.ports.journal import OpenCall
from tianji_core.pricing.cost import cost


def interrupted_cost(snapshot: Snapshot, call: OpenCall, usage: Usage) -> Cost:
    """Return what a usage costs at the deployment that served the call.

    A deployment that is not configured any more has the public price of its model.
    """
    known = (deployment for deployment in snapshot.config.deployments if deployment.id == call.deployment_id)
    gone = Deployment(id=DeploymentId(call.deployment_id), group=call.model_group, provider=call.provider, model=call.model)
    entry = snapshot.prices.resolve(msgspec.structs.replace(next(known, gone), model=call.model), None)
    provider = snapshot.providers.get(call.provider)
    return cost(
        usage,
        entry,
        provider=call.provider,
        trusts_cost=provider.trusts_cost if provider is not None else False,
        custom=entry.custom if entry is not None else False,
        at=datetime.fromtimestamp((call.attempt_at_ns or call.started_at_ns) / 1e9, UTC),
        adjustments=snapshot.adjustments,
        model=call.model,
    )
