"""The ledger in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from tianji_adapters.memory.window_store import MemoryWindowStore
from tianji_core.access.keys import KeyId
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.owners import KEY_SCOPE, lifetime_window
from tianji_core.limits.windows import TOTAL, BudgetWindow
from tianji_core.spend.comparisons import Comparison, Difference, Pair
from tianji_core.spend.record import SpendRecord

LedgerKey = tuple[date, str, int]


@dataclass(slots=True)
class MemorySpendStore:
    """Implements the `SpendStore` port.

    Attributes:
        ledger: Every record once, by (day, call_id, seq).
        windows: The budget windows to which records are booked; one without an end is the lifetime spend of its key.
        outside: What was spent in no window that ends, by scope.
    """

    ledger: dict[LedgerKey, SpendRecord] = field(default_factory=dict)
    spent: dict[KeyId, int] = field(default_factory=dict)
    adjusted: dict[KeyId, int] = field(default_factory=dict)
    windows: MemoryWindowStore = field(default_factory=MemoryWindowStore)
    outside: dict[str, int] = field(default_factory=dict)

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
        await self.adjust_window(lifetime_window(key_id), to_nano=to_nano)

    async def adjust_window(self, window: BudgetWindow, *, to_nano: int, counted_nano: int = 0) -> WindowSpend:
        """Set what a window shows as spent, keeping the difference to what is booked beside it; return what is stored."""
        key_id = KeyId(window.scope.removeprefix(KEY_SCOPE))
        is_lifetime = window.ends_at_ns is None
        booked = self.spent.get(key_id, 0) if is_lifetime else self.windows.stored.get(window, WindowSpend(window=window)).spent_nano
        stored = WindowSpend(window=window, spent_nano=booked, adjusted_nano=to_nano - max(booked, counted_nano))
        self.windows.put(msgspec.structs.replace(stored, window=lifetime_window(key_id)) if is_lifetime else stored)
        if is_lifetime:
            self.adjusted[key_id] = stored.adjusted_nano
        return stored

    async def reconcile(self, first: date, last: date, *, most: int) -> tuple[Comparison, ...]:
        """Compare what must be equal. There are no daily totals in memory: the ledger is added up in their place."""
        ledger: dict[tuple[str, date], int] = {}
        lifetime: dict[str, int] = {}
        for (day, _, _), record in self.ledger.items():
            owner = record.event.key_id or ""
            ledger[owner, day] = ledger.get((owner, day), 0) + record.cost.total_nano
            if owner:
                lifetime[owner] = lifetime.get(owner, 0) + record.cost.total_nano
        booked = {scope.removeprefix(KEY_SCOPE): nano for scope, nano in self.outside.items()}
        for window, found in self.windows.stored.items():
            if window.ends_at_ns is not None and window.scope.startswith(KEY_SCOPE) and window.limit_key == TOTAL:
                owner = window.scope.removeprefix(KEY_SCOPE)
                booked[owner] = booked.get(owner, 0) + found.spent_nano
        spent = {str(owner): nano for owner, nano in self.spent.items()}
        days = {key: nano for key, nano in ledger.items() if first <= key[1] <= last}
        return (
            Comparison(pair="daily_totals", checked=len(days), differing=0),
            _compared("lifetime", lifetime, spent, most),
            _compared("windows", spent, booked, most),
        )

    def _add_one(self, record: SpendRecord) -> None:
        key = (record.day, record.call_id, record.seq)
        if key in self.ledger:
            return
        self.ledger[key] = record
        if record.event.key_id:
            owner = KeyId(record.event.key_id)
            self.spent[owner] = self.spent.get(owner, 0) + record.cost.total_nano
            self.windows.book(lifetime_window(owner), record.cost.total_nano)
        for window in record.bookings:
            if window.ends_at_ns is None:
                self.outside[window.scope] = self.outside.get(window.scope, 0) + record.cost.total_nano
            else:
                self.windows.book(window, record.cost.total_nano)


def _compared(pair: Pair, expected: Mapping[str, int], found: Mapping[str, int], most: int) -> Comparison:
    sums = {owner: (expected.get(owner, 0), found.get(owner, 0)) for owner in sorted({*expected, *found})}
    differences = tuple(
        Difference(owner=owner, expected_nano=one, found_nano=other) for owner, (one, other) in sums.items() if one != other
    )
    return Comparison(pair=pair, checked=len(sums), differing=len(differences), differences=differences[:most])
