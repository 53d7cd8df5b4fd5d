"""The ledger in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from tianji_core.access.keys import KeyId
from tianji_core.spend.record import SpendRecord

LedgerKey = tuple[date, str, int]


@dataclass(slots=True)
class MemorySpendStore:
    """Implements the `SpendStore` port. `ledger` holds every record once, by (day, call_id, seq)."""

    ledger: dict[LedgerKey, SpendRecord] = field(default_factory=dict)
    spent: dict[KeyId, int] = field(default_factory=dict)
    adjusted: dict[KeyId, int] = field(default_factory=dict)

    async def add(self, records: Sequence[SpendRecord]) -> int:
        """Store records once each; return how many were new."""
        before = len(self.ledger)
        for record in records:
            self._add_one(record)
        return len(self.ledger) - before

    async def key_spend_nano(self, key_ids: Sequence[KeyId]) -> dict[KeyId, int]:
        """Return the lifetime spend of each key, adjustments included."""
        return {key_id: self.spent.get(key_id, 0) + self.adjusted.get(key_id, 0) for key_id in key_ids}

    async def adjust_key_spend(self, key_id: KeyId, *, to_nano: int) -> None:
        """Set the shown lifetime spend, keeping the difference to the ledger's beside it."""
        self.adjusted[key_id] = to_nano - self.spent.get(key_id, 0)

    def _add_one(self, record: SpendRecord) -> None:
        key = (record.day, record.call_id, record.seq)
        if key in self.ledger:
            return
        self.ledger[key] = record
        if record.event.key_id:
            owner = KeyId(record.event.key_id)
            self.spent[owner] = self.spent.get(owner, 0) + record.cost.total_nano
