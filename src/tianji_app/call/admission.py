"""Admission of one call: who is limited, what it may hold, what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from tianji_core.access.principal import Principal
from tianji_core.calls.cost import Cost
from tianji_core.calls.http import Headers
from tianji_core.calls.usage import Usage
from tianji_core.errors import DependencyUnavailableError
from tianji_core.limits.answers import Admitted, LiveSpend, NeedSeed, Refused, WindowSpend
from tianji_core.limits.current_windows import CurrentWindows
from tianji_core.limits.headers import limit_headers
from tianji_core.limits.holds import TOTAL, Hold, Tokens, holds_of
from tianji_core.limits.owners import LimitOwner, owners_of
from tianji_core.limits.refusals import refusal_error
from tianji_core.limits.windows import UTC_MIDNIGHT, BudgetWindow, Calendar
from tianji_core.ports.admission import Counters
from tianji_core.ports.clock import Clock
from tianji_core.ports.window_store import WindowStore

_ROUNDS = 4
_RELEASE_SECONDS = 5.0


@dataclass(slots=True)
class Grant:
    """What one admitted call holds.

    Attributes:
        windows: The budget windows to which its cost is booked, however late it settles.
        reserved_nano: What it holds in each of them.
    """

    call_id: str
    admitted: Admitted
    windows: tuple[BudgetWindow, ...]
    reserved_nano: int

    @property
    def headers(self) -> Headers:
        """`x-ratelimit-*`."""
        return limit_headers(self.admitted)

    def exceeded_by(self, cost_nano: int) -> int:
        """Return by how much a cost is more than what is held; 0 where no budget holds anything."""
        return max(0, cost_nano - self.reserved_nano) if self.windows else 0

    @property
    def left_nano(self) -> int | None:
        """What the tightest budget has left beside what is held, or None where there is none."""
        left = (rest for hold, rest in zip(self.admitted.holds, self.admitted.remaining, strict=True) if hold.kind == "budget")
        return min(left, default=None)


@dataclass(slots=True)
class CallAdmission:
    """Admits and settles the calls of one process."""

    counters: Counters
    store: WindowStore
    clock: Clock
    windows: CurrentWindows = field(default_factory=CurrentWindows)
    _seeding: anyio.Lock = field(default_factory=anyio.Lock)

    async def admit(
        self, call_id: str, principal: Principal, *, bound_nano: int, tokens: Tokens, calendar: Calendar = UTC_MIDNIGHT
    ) -> Grant:
        """Hold what a call may use: `bound_nano` at most, and about so many tokens.

        Raises:
            LimitExceededError: a limit or a budget has no room; nothing is held.
            DependencyUnavailableError: nobody can say what is spent; nothing is held.
        """
        answer = await self.try_admit(call_id, principal, bound_nano=bound_nano, tokens=tokens, calendar=calendar)
        if isinstance(answer, Refused):
            raise refusal_error(answer, now_ns=self.clock.now_ns())
        return answer

    async def try_admit(
        self, call_id: str, principal: Principal, *, bound_nano: int, tokens: Tokens, calendar: Calendar = UTC_MIDNIGHT
    ) -> Grant | Refused:
        """As `admit`, for who can ask for less: a refusal is returned, and the same call may ask again.

        Raises:
            DependencyUnavailableError: nobody can say what is spent; nothing is held.
        """
        now_ns = self.clock.now_ns()
        owners = owners_of(principal)

        def holds() -> tuple[Hold, ...]:
            return holds_of(owners, lambda owner, key: self._window(owner, key, calendar, now_ns), tokens=tokens, bound_nano=bound_nano)

        asked = holds()
        if not asked:
            return Grant(call_id, Admitted(), (), 0)
        try:
            answer = await self.counters.admit(call_id, asked)
            if isinstance(answer, NeedSeed):
                async with self._seeding:  # one call reads the store for all that wait for the same
                    answer = await self._seeded(call_id, owners, holds, now_ns)
        except BaseException:
            await self.forget(call_id)
            raise
        if isinstance(answer, Refused):
            return answer
        windows = tuple(hold.window for hold in answer.holds if hold.window is not None)
        return Grant(call_id, answer, windows, bound_nano if windows else 0)

    async def reserve(self, grant: Grant, nano: int) -> None:
        """Hold that much money, all in all: more before a further attempt of a call that was billed already, less where one knows better.

        Raises:
            LimitExceededError: there is no room; the call goes on holding what it held.
        """
        if not grant.windows:
            return
        answer = await self.counters.reserve(grant.call_id, nano)
        if isinstance(answer, Refused):
            raise refusal_error(answer, now_ns=self.clock.now_ns())
        grant.reserved_nano = nano

    async def settle(self, grant: Grant, usage: Usage, cost: Cost) -> int:
        """Replace what the call holds by what it used. Return by how much, in nano-USD, it cost more than it held of its budgets."""
        if not grant.admitted.holds:
            return 0
        tokens = Tokens(input=usage.input_total or 0, output=usage.output_total or 0)
        await self.counters.settle(grant.call_id, tokens, cost.total_nano)
        return grant.exceeded_by(cost.total_nano)

    async def release(self, grant: Grant) -> None:
        """Give back everything, as if the call had never come."""
        if grant.admitted.holds:
            await self.counters.release(grant.call_id)

    async def forget(self, call_id: str) -> None:
        """Give back whatever a call holds that got no grant; also while it is being cancelled."""
        with anyio.move_on_after(_RELEASE_SECONDS, shield=True):
            await self.counters.release(call_id)

    async def spend(self, principal: Principal, calendar: Calendar = UTC_MIDNIGHT) -> Mapping[BudgetWindow, LiveSpend | None]:
        """Return the current window of each budget of a caller, with what is counted in it; None: ask the store, nobody counts there."""
        now_ns = self.clock.now_ns()
        budgets = [owner for owner in owners_of(principal) if owner.limits.has_budget]
        windows = [self._window(owner, TOTAL, calendar, now_ns) for owner in budgets]
        counted = await self.counters.spend(windows)
        return {window: counted.get(window) for window in windows}

    async def spent(self, principals: Sequence[Principal], calendar: Calendar = UTC_MIDNIGHT) -> Mapping[str, WindowSpend]:
        """Return, by the scope of its owner, the current window of each budget and what is spent in it: as counted here, else as stored.

        Raises:
            DependencyUnavailableError: nobody counts in some of them, and the store is away.
        """
        now_ns = self.clock.now_ns()
        owners = tuple(owner for principal in principals for owner in owners_of(principal) if owner.limits.has_budget)
        windows = [self._window(owner, TOTAL, calendar, now_ns) for owner in owners]
        counted = await self.counters.spend(windows) if windows else {}
        asked = [window for window in windows if window not in counted]
        stored = await self.store.window_spend(asked) if asked else {}
        found = {window.scope: self._current(window, stored.get(window), owners, now_ns) for window in asked}
        for window, live in counted.items():
            spent = live.spent_nano - live.adjusted_nano
            found[window.scope] = WindowSpend(window=window, spent_nano=spent, adjusted_nano=live.adjusted_nano)
        return found

    def _window(self, owner: LimitOwner, limit_key: str, calendar: Calendar, now_ns: int) -> BudgetWindow:
        return self.windows.at(owner.scope, limit_key, owner.limits, calendar, now_ns)

    async def _seeded(
        self, call_id: str, owners: tuple[LimitOwner, ...], holds: Callable[[], tuple[Hold, ...]], now_ns: int
    ) -> Admitted | Refused:
        for _ in range(_ROUNDS):
            answer = await self.counters.admit(call_id, holds())
            if not isinstance(answer, NeedSeed):
                return answer
            stored = await self.store.window_spend(answer.windows)
            await self.counters.seed([self._current(window, stored.get(window), owners, now_ns) for window in answer.windows])
        raise DependencyUnavailableError(
            "the counters forgot again and again what was spent", hint="try again", code="budget_unavailable", retry_after_seconds=1.0
        )

    def _current(self, asked: BudgetWindow, found: WindowSpend | None, owners: tuple[LimitOwner, ...], now_ns: int) -> WindowSpend:
        """Return what to seed: the stored window if it is still the current one, else the one asked for, with nothing spent."""
        if found is None:
            return WindowSpend(window=asked)
        if found.window == asked:
            return found
        limits = next(owner.limits for owner in owners if owner.scope == asked.scope)
        return found if self.windows.adopt(found.window, limits, now_ns) else WindowSpend(window=asked)
