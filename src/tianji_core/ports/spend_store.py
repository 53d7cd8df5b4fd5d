"""Where spend rests."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from tianji_core.access.keys import KeyId
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.comparisons import Comparison
from tianji_core.spend.record import SpendRecord


class SpendStore(Protocol):
    """The ledger, its daily totals, each key's lifetime spend and its budget windows."""

    async def add(self, records: Sequence[SpendRecord]) -> int:
        """Store records once each and add them to the totals and to their windows (`bookings`) in the same transaction.

        Idempotent by (day, call_id, seq): a record seen before changes nothing, wherever it stands in the batch. Returns how many
        were new. Raises DependencyUnavailableError if nothing was stored; never stores a part.
        """
        ...

    async def key_spend_nano(self, key_ids: Sequence[KeyId]) -> dict[KeyId, int]:
        """Return the lifetime spend of each key, in nano-USD; 0 for a key that never spent."""
        ...

    async def adjust_key_spend(self, key_id: KeyId, *, to_nano: int) -> None:
        """Set the shown lifetime spend; the ledger stays as it is, the difference is kept beside it."""
        ...

    async def adjust_window(self, window: BudgetWindow, *, to_nano: int, counted_nano: int = 0) -> WindowSpend:
        """Set what a window shows as spent, in the same way, and return what is stored of it now.

        `counted_nano` is what somebody counts in it who may be ahead of the store. Setting the same amount twice is setting it once. A
        window without an end shows the lifetime spend of its key.
        """
        ...

    async def reconcile(self, first: date, last: date, *, most: int) -> tuple[Comparison, ...]:
        """Compare what must be equal, each pair in one statement, so that what is stored meanwhile is in both or in neither.

        The ledger with the daily totals, for each of these days and each key; the daily totals with the lifetime spend of each key; the
        lifetime spend with the key's windows. The last two over all time. At most `most` differences of each pair are returned.
        """
        ...
