"""Limits and budgets of one process, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tianji_core.errors import DependencyUnavailableError
from tianji_core.limits.answers import AdmissionAnswer, Admitted, LiveSpend, Refused, WindowSpend
from tianji_core.limits.holds import Hold, Tokens
from tianji_core.limits.ledger import Ledger
from tianji_core.limits.windows import BudgetWindow
from tianji_core.ports.clock import Clock


@dataclass(slots=True)
class MemoryCounters:
    """Implements the `Counters` port by the ledger. No method waits, so each is one step."""

    clock: Clock
    ledger: Ledger = field(default_factory=Ledger)
    _lacks_spend: bool = False

    async def admit(self, call_id: str, holds: Sequence[Hold]) -> AdmissionAnswer:
        """Take all holds or none."""
        return self.ledger.admit(call_id, holds, now=self.clock.monotonic())

    async def seed(self, stored: Sequence[WindowSpend]) -> None:
        """Begin to count windows from what is stored."""
        if self._lacks_spend:
            raise DependencyUnavailableError(
                "what was spent before the gateway started is not stored yet, so nobody can say what is left of a budget",
                hint="try again",
                code="budget_unavailable",
                retry_after_seconds=1.0,
            )
        self.ledger.seed(stored, now_ns=self.clock.now_ns())

    async def reserve(self, call_id: str, nano: int) -> Admitted | Refused:
        """Let a running call hold that much money, all in all."""
        return self.ledger.reserve(call_id, nano)

    async def settle(self, call_id: str, tokens: Tokens, nano: int) -> None:
        """Replace what a call holds by what it used."""
        self.ledger.settle(call_id, tokens, nano, now=self.clock.monotonic())

    async def release(self, call_id: str) -> None:
        """Give back everything that a call holds."""
        self.ledger.release(call_id, now=self.clock.monotonic())

    async def spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, LiveSpend]:
        """Return what is counted in these windows."""
        return self.ledger.spend(windows)

    def stored(self, until: float) -> None:
        """Take note that everything that was settled up to a moment (monotonic seconds) is in the store; idle budgets may be forgotten."""
        self._lacks_spend = False
        self.ledger.stored(until)

    def lacks_spend(self) -> None:
        """Take note that the store does not have everything that processes before this one spent."""
        self._lacks_spend = True
