"""All counters of one process, by the name of their owner."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tianji_core.limits.answers import LiveSpend, WindowSpend
from tianji_core.limits.budget import Budget
from tianji_core.limits.checks import Counter
from tianji_core.limits.generations import Generations
from tianji_core.limits.holds import Hold
from tianji_core.limits.parallel import Slots
from tianji_core.limits.ring import WINDOW_SECONDS, Ring
from tianji_core.limits.windows import BudgetWindow

_FEW_BUDGETS = 1_024


def _rings() -> Generations[Ring]:
    return Generations(WINDOW_SECONDS)


@dataclass(slots=True)
class CounterSet:
    """Makes rings and slots when they are asked for, and budgets when they are seeded.

    An empty ring and a missing one say the same, so a ring is dropped when nobody has touched it for longer than it remembers; slots
    are dropped with their last call. A budget is dropped when its window has ended, or when all it knows is stored, and no running
    call holds anything of it.
    """

    requests: Generations[Ring] = field(default_factory=_rings)
    tokens: Generations[Ring] = field(default_factory=_rings)
    budgets: dict[BudgetWindow, Budget] = field(default_factory=dict)
    slots: dict[str, Slots] = field(default_factory=dict)
    _stored_until: float = float("-inf")
    _sweep_at: int = _FEW_BUDGETS

    def __len__(self) -> int:
        return len(self.requests) + len(self.tokens) + len(self.budgets) + len(self.slots)

    def turn(self, *, now: float) -> None:
        """Let time pass."""
        self.requests.turn(now=now)
        self.tokens.turn(now=now)

    def of(self, hold: Hold) -> Counter | None:
        """Return the counter of a hold, made where it is missing; None for a budget that nobody has seeded."""
        if hold.window is not None:
            return self.budgets.get(hold.window)
        scope = hold.owner.scope
        if hold.kind == "requests":
            return self.requests.get(scope) or self.requests.put(scope, Ring())
        if hold.kind == "tokens":
            return self.token_ring(scope)
        found = self.slots.get(scope)
        if found is None:
            found = self.slots[scope] = Slots()
        return found

    def token_ring(self, scope: str) -> Ring:
        """Return an owner's ring of tokens."""
        return self.tokens.get(scope) or self.tokens.put(scope, Ring())

    def leave(self, scope: str, call_id: str) -> None:
        """Free the place of a call, if it has one."""
        found = self.slots.get(scope)
        if found is not None:
            found.give(call_id)
            if not found.running():
                del self.slots[scope]

    def seed(self, stored: Sequence[WindowSpend], *, now_ns: int) -> None:
        """Begin to count what is not counted yet, from what is stored; of what is counted take over the adjustments only."""
        for found in stored:
            budget = self.budgets.get(found.window)
            if budget is None:
                budget = self.budgets[found.window] = Budget(found.spent_nano)
            budget.adjusted = found.adjusted_nano
        if len(self.budgets) > self._sweep_at:
            keep = {found.window for found in stored}
            self.budgets = {
                window: budget for window, budget in self.budgets.items() if window in keep or self._needed(window, budget, now_ns)
            }
            self._sweep_at = max(_FEW_BUDGETS, 2 * len(self.budgets))

    def stored(self, until: float) -> None:
        """Take note that everything that was settled up to a moment is stored."""
        self._stored_until = max(self._stored_until, until)

    def spend(self, windows: Iterable[BudgetWindow]) -> dict[BudgetWindow, LiveSpend]:
        """Return what is known of these windows."""
        return {
            window: LiveSpend(spent_nano=budget.used, reserved_nano=budget.reserved, adjusted_nano=budget.adjusted)
            for window in windows
            if (budget := self.budgets.get(window)) is not None
        }

    def _needed(self, window: BudgetWindow, budget: Budget, now_ns: int) -> bool:
        if budget.open:
            return True
        ended = window.ends_at_ns is not None and window.ends_at_ns <= now_ns
        return not ended and budget.changed > self._stored_until
