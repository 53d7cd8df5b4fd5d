"""Budget windows in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.windows import BudgetWindow


@dataclass(slots=True)
class MemoryWindowStore:
    """Implements the `WindowStore` port; `stored` is what a database would hold."""

    stored: dict[BudgetWindow, WindowSpend] = field(default_factory=dict)

    def put(self, spend: WindowSpend) -> None:
        """Replace what is stored about a window."""
        self.stored[spend.window] = spend

    async def window_spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, WindowSpend]:
        """Return the last stored window of each scope and limit key that begins no later than the asked one ends."""
        found = ((window, self._last(window)) for window in windows)
        return {window: spend for window, spend in found if spend is not None}

    def _last(self, asked: BudgetWindow) -> WindowSpend | None:
        same = [
            spend
            for window, spend in self.stored.items()
            if (window.scope, window.limit_key) == (asked.scope, asked.limit_key)
            and (asked.ends_at_ns is None or window.starts_at_ns <= asked.ends_at_ns)
        ]
        return max(same, key=lambda spend: spend.window.starts_at_ns, default=None)
