"""Where the spend of budget windows rests."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.windows import BudgetWindow


class WindowStore(Protocol):
    """Reads what is booked. Windows are written by whoever books spend, in the same transaction as the rows of the calls."""

    async def window_spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, WindowSpend]:
        """Return, for each window asked about, the last one stored of the same scope and limit key that begins before it ends.

        That is the window itself; or, where another zone or reset time has moved the boundaries meanwhile, the one that was begun
        before. A window without such a row is left out: nothing was ever booked. A window without an end holds everything that its
        key ever spent, wherever it begins; one that ends is never answered by one that does not. One query for all.

        Raises DependencyUnavailableError if the store cannot be reached.
        """
        ...
