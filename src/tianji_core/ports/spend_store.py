"""Where spend rests."""

from collections.abc import Sequence
from typing import Protocol

from tianji_core.access.keys import KeyId
from tianji_core.spend.record import SpendRecord


class SpendStore(Protocol):
    """The ledger, its daily totals and each key's lifetime spend."""

    async def add(self, records: Sequence[SpendRecord]) -> int:
        """Store records once each and add them to the totals in the same transaction.

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
