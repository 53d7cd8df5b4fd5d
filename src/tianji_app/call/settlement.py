"""From what was used to what it costs and to the rows of the ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from tianji_app.call.account import Account
from tianji_app.snapshot import Snapshot
from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.events import UsageSource
from tianji_core.calls.usage import Usage
from tianji_core.ports.token_counter import TokenCounter
from tianji_core.pricing.rounds import cost_with_rounds, public_entry
from tianji_core.shapes.codecs import Request
from tianji_core.translation.meter import Meter
from tianji_core.translation.token_text import encoding_of, fixed_tokens, request_text


@dataclass(frozen=True, slots=True)
class Bill:
    """What one attempt used and costs."""

    usage: Usage
    source: UsageSource
    cost: Cost


NOTHING = Bill(Usage(), "none", Cost())
"""The bill of a call that nobody served."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Counts and prices. Whatever the provider did not report is counted here and marked as estimated."""

    counter: TokenCounter

    async def bill(self, account: Account, snapshot: Snapshot, *, complete: bool) -> Bill:
        """Return the bill of the attempt that the account describes; nothing where no answer came back.

        A cut answer costs what was reported so far, or what can be counted of it, whichever is more. Of a request that was on its way
        when its caller left, that is the input: the provider has it.
        """
        if account.inbound.surface.operation == "count_tokens":
            return Bill(Usage(), "none", Cost(source="computed"))
        if account.deployment is None or (account.first_chunk_at_ns is None and not account.is_in_flight):
            return NOTHING
        usage, source = await self._usage(account, complete=complete)
        entry = snapshot.prices.resolve(account.deployment, account.meter.model)
        provider = snapshot.providers[account.deployment.provider]
        started = account.upstream_started_at_ns or account.started_at_ns
        price = cost_with_rounds(
            usage,
            entry,
            entry_of=partial(public_entry, snapshot.prices, account.deployment),
            provider=account.deployment.provider,
            trusts_cost=provider.trusts_cost,
            custom=entry.custom if entry is not None else False,
            at=datetime.fromtimestamp(started / 1e9, UTC),
            adjustments=snapshot.adjustments,
            model=account.deployment.model,
        )
        return Bill(usage, source, price)

    async def _usage(self, account: Account, *, complete: bool) -> tuple[Usage, UsageSource]:
        reported = account.meter.usage
        if reported is not None and reported.input_total is not None and (complete or account.inbound.surface.operation == "embeddings"):
            return reported, "provider"
        counted = await self._count(account)
        if reported is None:
            return counted, "estimated"
        return _larger(reported, counted), "estimated"

    async def _count(self, account: Account) -> Usage:
        body, deployment = account.body, account.deployment
        if body is None or deployment is None:
            return Usage()
        given = await self.count_input(body.request, deployment)
        return Usage(input_text=given, output_text=await self._output(account.meter, encoding_of(deployment.model)))

    async def count_input(self, request: Request, deployment: Deployment) -> int:
        """Return how many tokens a request has, by the offline tokenizer."""
        return await self.counter.count(request_text(request), encoding_of(deployment.model)) + fixed_tokens(request)

    async def _output(self, meter: Meter, encoding: str) -> int:
        text = meter.text
        counted = await self.counter.count(text, encoding) if text else 0
        unseen = meter.characters - len(text)
        return counted + max(unseen, 0) // 4


def _larger(reported: Usage, counted: Usage) -> Usage:
    """Return the reported usage, raised to what was counted where that is more."""
    changes = {}
    if (counted.input_total or 0) > (reported.input_total or 0) and reported.input_total is None:
        changes["input_text"] = counted.input_text
    missing = (counted.output_total or 0) - (reported.output_total or 0)
    if missing > 0:
        changes["output_text"] = (reported.output_text or 0) + missing
    return msgspec.structs.replace(reported, **changes)
