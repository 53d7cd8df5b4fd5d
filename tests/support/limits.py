"""Owners, holds and counters for tests of limits and budgets."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tianji_adapters.memory.counters import MemoryCounters
from tianji_core.access.limits import Limits
from tianji_core.limits.answers import AdmissionAnswer, Admitted, Refused
from tianji_core.limits.holds import TOTAL, Hold, Tokens
from tianji_core.limits.owners import LimitOwner
from tianji_core.limits.windows import BudgetWindow

NS = 1_000_000_000
WINDOW = BudgetWindow(scope="k:a", limit_key=TOTAL, starts_at_ns=0, ends_at_ns=None)


def owner(pk: str = "a", **limits: Any) -> LimitOwner:
    """Return a key with limits."""
    return LimitOwner(level="key", pk=pk, scope=f"k:{pk}", limits=Limits(**limits), shown=f'key "{pk}"')


def window_of(pk: str = "a", starts_at_ns: int = 0, ends_at_ns: int | None = None) -> BudgetWindow:
    """Return a window of a key's budget."""
    return BudgetWindow(scope=f"k:{pk}", limit_key=TOTAL, starts_at_ns=starts_at_ns, ends_at_ns=ends_at_ns)


def requests(limit: int, pk: str = "a") -> Hold:
    """Return a hold of one request."""
    return Hold(kind="requests", owner=owner(pk), limit=limit)


def tokens(limit: int, amount: int, pk: str = "a", **changes: Any) -> Hold:
    """Return a hold of tokens."""
    return Hold(kind="tokens", owner=owner(pk), limit=limit, amount=amount, **changes)


def parallel(limit: int, pk: str = "a") -> Hold:
    """Return a hold of a place."""
    return Hold(kind="parallel", owner=owner(pk), limit=limit)


def budget(limit: int, amount: int, pk: str = "a", window: BudgetWindow | None = None) -> Hold:
    """Return a hold of money."""
    return Hold(kind="budget", owner=owner(pk), limit=limit, amount=amount, window=window or window_of(pk))


def used(total: int) -> Tokens:
    """Return what a call used."""
    return Tokens(input=total)


class NoReservation(MemoryCounters):
    """Asks whether anything is left of a budget, and holds next to nothing of it: what a gateway does that books afterwards only."""

    async def admit(self, call_id: str, holds: Sequence[Hold]) -> AdmissionAnswer:
        """Hold one nano-USD instead of the bound."""
        small = [msgspec.structs.replace(hold, amount=min(hold.amount, 1)) if hold.kind == "budget" else hold for hold in holds]
        return await MemoryCounters.admit(self, call_id, small)

    async def reserve(self, call_id: str, nano: int) -> Admitted | Refused:
        """Hold no more."""
        return await MemoryCounters.reserve(self, call_id, min(nano, 1))
