"""Budget windows in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.windows import BudgetWindow


@dataclass(slots=True)
class MemoryWindowStore:
    """Implements the `WindowStore` port; `stored` is what a database would hold."""

    stored: dict[BudgetWindow, WindowSpend] = field(default_factory=dict)

    def put(self, spend: WindowSpend) -> None:
        """Replace what is stored about a window."""
        self.stored[spend.window] = spend

    def book(self, window: BudgetWindow, nano: int) -> None:
        """Add what somebody spent in a window."""
        before = self.stored.get(window, WindowSpend(window=window))
        self.put(msgspec.structs.replace(before, spent_nano=before.spent_nano + nano))

    async def window_spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, WindowSpend]:
        """Return the last stored window of each scope and limit key that begins before the asked one ends."""
        found = {window: spend for window in windows if (spend := self._last(window)) is not None}
        return {
            asked: spend if asked.ends_at_ns is not None else msgspec.structs.replace(spend, window=asked) for asked, spend in found.items()
        }

    def _last(self, asked: BudgetWindow) -> WindowSpend | None:
        same = [
            spend
            for window, spend in self.stored.items()
            if (window.scope, window.limit_key) == (asked.scope, asked.limit_key) and _reaches(asked.ends_at_ns, window)
        ]
        return max(same, key=lambda spend: spend.window.starts_at_ns, default=None)


def _reaches(end_ns: int | None, stored: BudgetWindow) -> bool:
    if end_ns is None or stored.ends_at_ns is None:
        return end_ns is stored.ends_at_ns
    return stored.starts_at_ns < end_ns
