"""A database that many processes reach one after another: slow, away, or silent after it has done what it was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

import anyio

from support.simulation.chance import Delay
from support.simulation.scenario import Faults
from tianji_adapters.memory.key_store import MemoryKeyStore
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_core.access.keys import KeyHash, KeyId, VirtualKey
from tianji_core.errors import DependencyUnavailableError
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.record import SpendRecord


@dataclass(slots=True)
class SimulatedDatabase(MemorySpendStore):
    """Keeps daily totals beside the ledger, as the tables do."""

    daily: dict[tuple[date, str], int] = field(default_factory=dict)

    def book(self, records: Sequence[SpendRecord]) -> int:
        """Store records once each, in one step; return how many were new."""
        before = len(self.ledger)
        for record in records:
            if (record.day, record.call_id, record.seq) not in self.ledger:
                owner = record.event.key_id or ""
                self.daily[record.day, owner] = self.daily.get((record.day, owner), 0) + record.cost.total_nano
            self._add_one(record)
        return len(self.ledger) - before


@dataclass(slots=True)
class Connection:
    """Implements `SpendStore` and `WindowStore` as far as calls use them."""

    database: SimulatedDatabase
    delay: Delay
    faults: Faults
    rng: Random
    seen: dict[str, int]

    async def add(self, records: Sequence[SpendRecord]) -> int:
        """Store records."""
        await self._reach()
        if self._happens(self.faults.refused, "refused rows"):
            raise RuntimeError("the store refuses them")
        count = self.database.book(records)
        if self._happens(self.faults.twice, "rows twice"):
            self.database.book(records)
        lost = self._happens(self.faults.lost, "lost replies")
        await self.delay()
        if lost:
            raise _away()
        return count

    async def key_spend_nano(self, key_ids: Sequence[KeyId]) -> dict[KeyId, int]:
        """Return the lifetime spend of each key."""
        await self._reach()
        found = await self.database.key_spend_nano(key_ids)
        await self.delay()
        return found

    async def window_spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, WindowSpend]:
        """Return what is spent in windows."""
        await self._reach()
        found = await self.database.windows.window_spend(windows)
        await self.delay()
        return found

    async def _reach(self) -> None:
        await self.delay()
        begins, ends = self.faults.away
        if begins <= anyio.current_time() < ends:
            self.seen["store away"] = self.seen.get("store away", 0) + 1
            raise _away()

    def _happens(self, share: float, what: str) -> bool:
        happens = self.rng.random() < share
        if happens:
            self.seen[what] = self.seen.get(what, 0) + 1
        return happens


@dataclass(slots=True)
class KeyConnection(MemoryKeyStore):
    """The keys, a while away."""

    delay: Delay | None = None

    async def by_hash(self, key_hash: KeyHash) -> VirtualKey | None:
        """Return the key with this hash."""
        if self.delay is not None:
            await self.delay()
        return next((key for key in self.living.values() if key.hash == key_hash), None)


def _away() -> DependencyUnavailableError:
    return DependencyUnavailableError("the store is away", hint="wait", retry_after_seconds=1.0)
