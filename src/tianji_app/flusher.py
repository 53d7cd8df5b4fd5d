"""From the journal to the ledger, in batches, for as long as the process lives.

A store that is away is asked again, later and later. A call whose rows the store refuses, for whatever other reason, holds up no other: its
rows go to the end of the journal and are tried again by themselves, later and later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import msgspec
import structlog

from tianji_core.errors import DependencyUnavailableError
from tianji_core.ports.admission import Counters
from tianji_core.ports.clock import Clock
from tianji_core.ports.journal import Journal
from tianji_core.ports.spend_store import SpendStore
from tianji_core.spend.record import SpendRecord

BATCH_ROWS = 500
PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_FIRST_REFUSAL_SECONDS = 1.0
_LONGEST_REFUSAL_SECONDS = 300.0
_log = structlog.get_logger("tianji.flusher")

Calls = Mapping[str, Sequence[SpendRecord]]
"""Rows by the id of their call: they are stored together."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose rows the store refused: how many, why, and when they are tried again (monotonic seconds)."""

    rows: int
    reason: str
    pause_seconds: float
    due: float


@dataclass(slots=True)
class Flusher:
    """Takes what the journal holds and stores it, at most four times a second."""

    journal: Journal
    spend: SpendStore
    counters: Counters
    clock: Clock
    is_away: bool = False
    refused: dict[str, Refusal] = field(default_factory=dict)

    @property
    def refused_rows(self) -> int:
        """How many rows wait in the journal because the store refused them."""
        return sum(refusal.rows for refusal in self.refused.values())

    @property
    def degraded(self) -> str | None:
        """Why spend is not stored as it should be, for people; None while all is well."""
        if self.refused:
            reasons = ", ".join(sorted({refusal.reason for refusal in self.refused.values()}))
            return f"the database refuses {self.refused_rows} rows of spend ({reasons}); they wait in the journal"
        return "spend cannot be stored; it waits in the journal" if self.is_away else None

    async def run(self) -> None:
        """Flush for ever."""
        pause = PAUSE_SECONDS
        while True:
            pause = PAUSE_SECONDS if await self.flush_once() else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            await anyio.sleep(pause)

    async def flush_once(self) -> bool:
        """Store one batch, and what was refused and is due; wait for the first row. Return whether the store was there."""
        rows = await self.journal.pending(BATCH_ROWS + self.refused_rows)
        settled_until = self.clock.monotonic()
        calls = _by_call(rows)
        try:
            with anyio.CancelScope(shield=True):  # a batch that has begun is ended, also while the process stops; the store bounds it
                stored = await self._store(calls)
        except DependencyUnavailableError as error:
            if not self.is_away:
                _log.warning("spend cannot be stored; it waits in the journal", reason=error.message, waiting=self.journal.waiting())
            self.is_away = True
            return False
        if self.is_away:
            _log.info("spend is stored again", waiting=self.journal.waiting())
        self.is_away = False
        if stored:
            await self._forget(rows, {call_id: records for call_id, records in calls.items() if call_id not in stored})
        if not self.journal.waiting():
            self.counters.stored(settled_until)
        return True

    async def drain(self, seconds: float) -> int:
        """Store what is left, for at most so long; try what was refused once more. Return how many rows could not be stored."""
        self.refused = {call_id: msgspec.structs.replace(refusal, due=0) for call_id, refusal in self.refused.items()}
        with anyio.move_on_after(seconds, shield=True):
            has_begun = False
            while self.journal.waiting() > self.refused_rows or (self.refused and not has_begun):
                has_begun = await self.flush_once()
                await anyio.sleep(0 if has_begun else PAUSE_SECONDS)
        return self.journal.waiting()

    async def _store(self, calls: Calls) -> set[str]:
        """Store what may be stored now; return of which calls that is."""
        fresh = {call_id: records for call_id, records in calls.items() if call_id not in self.refused}
        now = anyio.current_time()
        one_by_one = {call_id: calls[call_id] for call_id, refusal in self.refused.items() if call_id in calls and refusal.due <= now}
        stored: set[str] = set()
        if await self._is_stored([record for records in fresh.values() for record in records]):
            stored.update(fresh)
        elif len(fresh) > 1:
            one_by_one.update(fresh)
        for call_id, records in one_by_one.items():
            if await self._is_stored(records):
                stored.add(call_id)
        return stored

    async def _is_stored(self, rows: Sequence[SpendRecord]) -> bool:
        """Store rows, all or none. Raises DependencyUnavailableError; every other failure is said and noted."""
        calls = _by_call(rows)
        try:
            if rows:
                await self.spend.add(rows)
        except DependencyUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the rows stay in the journal and are tried again
            reason = type(error).__name__
            if len(calls) == 1:
                self._refuse(*calls.popitem(), reason)
            else:
                _log.warning("a batch of spend is refused; its calls are stored one by one", error=reason, rows=len(rows))
            return False
        for call_id in calls:
            if self.refused.pop(call_id, None):
                _log.info("spend that was refused is stored", call_id=call_id)
        return True

    def _refuse(self, call_id: str, rows: Sequence[SpendRecord], reason: str) -> None:
        before = self.refused.get(call_id)
        if before is None or before.reason != reason:
            _log.error("spend is refused; it waits in the journal and is tried again", call_id=call_id, error=reason, rows=len(rows))
        pause = min(before.pause_seconds * 2, _LONGEST_REFUSAL_SECONDS) if before else _FIRST_REFUSAL_SECONDS
        self.refused[call_id] = Refusal(rows=len(rows), reason=reason, pause_seconds=pause, due=anyio.current_time() + pause)

    async def _forget(self, rows: Sequence[SpendRecord], left: Calls) -> None:
        """Take a batch out of the journal, after putting what is left of it to the end."""
        for call_id, records in left.items():
            with anyio.CancelScope(shield=True) as scope:
                scope.cancel()  # the journal takes the rows before it waits; and for room it must not, as nobody else makes any
                await self.journal.settle(call_id, records)
            self.refused[call_id] = msgspec.structs.replace(self.refused[call_id], rows=len(records))
        await self.journal.flushed(len(rows))


def _by_call(rows: Sequence[SpendRecord]) -> dict[str, list[SpendRecord]]:
    calls: dict[str, list[SpendRecord]] = {}
    for row in rows:
        calls.setdefault(row.call_id, []).append(row)
    return calls
