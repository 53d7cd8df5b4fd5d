"""Step 3 of a call: may it go, where to, and what does it hold?"""

from dataclasses import dataclass

from tianji_app.call.account import Account
from tianji_app.call.reservation import Reservation, Reserve, has_budget
from tianji_app.snapshot import Snapshot
from tianji_core.access.models import check_access
from tianji_core.access.principal import Principal
from tianji_core.calls.random import Rng
from tianji_core.ports.clock import Clock
from tianji_core.pricing.unknown import check_prices
from tianji_core.routing.cooldown import Cooldown
from tianji_core.routing.deadlines import call_deadline
from tianji_core.routing.fallbacks import requested_groups
from tianji_core.routing.plan import AttemptPlan
from tianji_core.shapes.raw_requests import ReadBody
from tianji_core.shapes.strategies import Strategy


@dataclass(frozen=True, slots=True)
class Admit:
    """Admits calls: model access, candidates, known prices, then limits and budgets in one step."""

    reserve: Reserve
    cooldown: Cooldown
    strategy: Strategy
    rng: Rng
    clock: Clock

    async def __call__(
        self, account: Account, principal: Principal, decoded: ReadBody, snapshot: Snapshot, *, body_bytes: int, queued_seconds: float
    ) -> tuple[AttemptPlan, Reservation]:
        """Return the plan of attempts, and what the call holds from here on.

        Args:
            queued_seconds: How long it waited already; its deadline counts from there.

        Raises:
            CallerError: the model is unknown, not allowed, without a price, or a limit has no room.
        """
        controls, router = decoded.controls, snapshot.config.router
        asked = principal.key.aliases.get(account.asked, account.asked) if principal.key else account.asked
        known = snapshot.index.lookup(asked)
        check_access(principal, [account.asked] if known is None else [account.asked, known.group])
        found = snapshot.index.find(asked)
        account.group = found.group
        for name in requested_groups(controls):
            check_access(principal, [name])
        candidates = snapshot.index.candidates(asked, router, controls)
        if account.inbound.surface.operation == "count_tokens":  # counting costs nothing
            reservation = await self.reserve.free(account.call_id, principal, decoded)
        else:
            check_prices(candidates, snapshot.prices, snapshot.config.prices.unknown_price, has_budget=has_budget(principal))
            reservation = await self.reserve(account.call_id, principal, decoded, body_bytes, candidates, snapshot)
        plan = AttemptPlan(
            found=found,
            lookup=snapshot.index.lookup,
            settings=router,
            controls=controls,
            cooldown=self.cooldown,
            pick=self.strategy.pick,
            rng=self.rng,
            deadline=call_deadline(router, controls, now=self.clock.monotonic() - queued_seconds),
            stream=account.stream,
            own_credentials=bool(controls.client_credentials),
        )
        return plan, reservation
