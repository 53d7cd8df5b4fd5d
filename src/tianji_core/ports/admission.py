"""Limits and budgets: may this call go, and what does it hold while it runs?"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tianji_core.limits.answers import AdmissionAnswer, Admitted, LiveSpend, Refused, WindowSpend
from tianji_core.limits.holds import Hold, Tokens
from tianji_core.limits.windows import BudgetWindow


class Counters(Protocol):
    """Rate windows, places of running calls and budgets, shared by everybody who counts against them.

    One request is one atomic step: nobody sees a call that holds a part of what it asks for. Everything is idempotent by call id: an
    id that was settled or released takes nothing for ten seconds at least, whatever arrives late. Money is nano-USD.

    Each method raises DependencyUnavailableError where the counters cannot be reached; then nobody knows whether it was done, and
    `release` makes it undone.
    """

    async def admit(self, call_id: str, holds: Sequence[Hold]) -> AdmissionAnswer:
        """Take all holds or none. A call that is admitted already is answered as before.

        `NeedSeed`: nothing was taken, because nobody has said yet what is spent in some windows.
        """
        ...

    async def seed(self, stored: Sequence[WindowSpend]) -> None:
        """Say what is stored about windows: their spend counts where nothing was counted yet, their adjustments replace the known ones.

        So this also carries a change by hand, once it is stored.
        """
        ...

    async def reserve(self, call_id: str, nano: int) -> Admitted | Refused:
        """Let a running call hold that much, all in all, in each of its budgets: all of them, or none is changed. Less always fits."""
        ...

    async def settle(self, call_id: str, tokens: Tokens, nano: int) -> None:
        """Replace what a call holds by what it used. The request stays counted; money goes to the windows of the admission."""
        ...

    async def release(self, call_id: str) -> None:
        """Give back everything that a call holds, as if it had never come."""
        ...

    async def spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, LiveSpend]:
        """Return what is counted in these windows; of those that nobody has counted in lately only the store knows."""
        ...

    def stored(self, until: float) -> None:
        """Take note that everything that was settled up to a moment (monotonic seconds) is in the store: idle budgets may be forgotten."""
        ...

    def lacks_spend(self) -> None:
        """Take note that the store lacks what processes before this one spent.

        Until `stored` says otherwise, `seed` raises DependencyUnavailableError (`budget_unavailable`).
        """
        ...
