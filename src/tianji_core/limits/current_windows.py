"""Which window of a budget is the current one: it lasts to the end that it began with."""

from dataclasses import dataclass, field

from tianji_core.access.limits import Limits
from tianji_core.limits.windows import BudgetWindow, Calendar, window_bounds

_MOST = 100_000


@dataclass(slots=True)
class CurrentWindows:
    """Remembers the current window of each budget, so that another zone or reset time moves no window that has begun.

    Memory is bounded by `most`; what is forgotten is computed again.
    """

    most: int = _MOST
    _known: dict[tuple[str, str], tuple[int, str | None, BudgetWindow]] = field(default_factory=dict)

    def at(self, scope: str, limit_key: str, limits: Limits, calendar: Calendar, now_ns: int) -> BudgetWindow:
        """Return the window of an instant.

        Raises:
            ValueError: the limits have no valid duration.
        """
        known = self._known.get((scope, limit_key))
        if known is not None and _goes_on(known, limits, now_ns):
            return known[2]
        start, end = window_bounds(limits.budget_duration, limits.budget_started_at_ns, calendar, now_ns)
        window = BudgetWindow(scope=scope, limit_key=limit_key, starts_at_ns=start, ends_at_ns=end)
        self._remember(limits, window)
        return window

    def adopt(self, stored: BudgetWindow, limits: Limits, now_ns: int) -> bool:
        """Take over a window that was stored before, if it is still the current one; whether it is."""
        known = (limits.budget_started_at_ns, limits.budget_duration, stored)
        usable = stored.starts_at_ns >= limits.budget_started_at_ns and _goes_on(known, limits, now_ns)
        if usable:
            self._remember(limits, stored)
        return usable

    def _remember(self, limits: Limits, window: BudgetWindow) -> None:
        place = (window.scope, window.limit_key)
        if place not in self._known and len(self._known) >= self.most:
            del self._known[next(iter(self._known))]
        self._known[place] = (limits.budget_started_at_ns, limits.budget_duration, window)


def _goes_on(known: tuple[int, str | None, BudgetWindow], limits: Limits, now_ns: int) -> bool:
    set_at_ns, duration, window = known
    if set_at_ns != limits.budget_started_at_ns or duration != limits.budget_duration:
        return False
    end = window.ends_at_ns
    return duration is None if end is None else duration is not None and now_ns < end
