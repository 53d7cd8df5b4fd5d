"""Parts of a process that tell what goes through them, and what outlives it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.gateway_parts import FlowClock
from support.simulation.chance import Delay, Killed, Life
from support.simulation.scenario import Scenario
from support.simulation.store import SimulatedDatabase
from support.simulation.upstream import Served
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_adapters.system.journal_files import FileJournal
from tianji_app.gateway import CallGateway
from tianji_core.limits.answers import AdmissionAnswer, Admitted, Refused
from tianji_core.limits.current_windows import CurrentWindows
from tianji_core.limits.holds import Hold, Tokens
from tianji_core.ports.journal import Attempted, OpenCall, Progress
from tianji_core.spend.record import SpendRecord

SETTLED_TWICE = "calls settled twice"


@dataclass(slots=True)
class Kit:
    """What a gateway is made of. A test of the simulation replaces a part by one with a mistake in it."""

    gateway: type[CallGateway] = CallGateway
    windows: type[CurrentWindows] = CurrentWindows
    database: type[SimulatedDatabase] = SimulatedDatabase


@dataclass(slots=True)
class Shared:
    """What outlives a process.

    Attributes:
        root: Where journals are.
        opened: Every call that a journal was told of, and the rows with which it was settled.
        seen: What has happened how often.
    """

    scenario: Scenario
    kit: Kit
    root: Path
    clock: FlowClock
    database: SimulatedDatabase
    book: list[Served] = field(default_factory=list)
    identifiers: CountingIdentifiers = field(default_factory=CountingIdentifiers)
    opened: dict[str, OpenCall] = field(default_factory=dict)
    settled: dict[str, tuple[SpendRecord, ...]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """Note that something has happened."""
        self.seen[what] = self.seen.get(what, 0) + 1


@dataclass(slots=True)
class SlowCounters(MemoryCounters):
    """Counters that answer a moment after they have counted, so that a caller can leave in between.

    Attributes:
        admitted: When each call was admitted, by scope and call; those of rate limits that were given back are not in it.
    """

    delay: Delay | None = None
    admitted: dict[str, dict[str, float]] = field(default_factory=dict)

    async def admit(self, call_id: str, holds: Sequence[Hold]) -> AdmissionAnswer:
        answer = await MemoryCounters.admit(self, call_id, holds)
        if isinstance(answer, Admitted) and answer.holds:
            for hold in answer.holds:
                self.admitted.setdefault(hold.owner.scope, {}).setdefault(call_id, self.clock.monotonic())
        await self._wait()
        return answer

    async def reserve(self, call_id: str, nano: int) -> Admitted | Refused:
        answer = await MemoryCounters.reserve(self, call_id, nano)
        await self._wait()
        return answer

    async def settle(self, call_id: str, tokens: Tokens, nano: int) -> None:
        await self._wait()
        await MemoryCounters.settle(self, call_id, tokens, nano)

    async def release(self, call_id: str) -> None:
        for calls in self.admitted.values():
            calls.pop(call_id, None)
        await MemoryCounters.release(self, call_id)

    async def _wait(self) -> None:
        if self.delay is not None:
            await self.delay()


@dataclass(slots=True)
class WatchedJournal:
    """Implements `Journal` by the one on disk, and remembers what it was told."""

    inner: FileJournal
    life: Life
    delay: Delay
    shared: Shared

    async def open(self, call: OpenCall) -> None:
        await self.delay()
        await self.inner.open(call)
        self.shared.opened[call.call_id] = call
        await self.delay()

    async def attempt(self, attempt: Attempted) -> None:
        await self.delay()
        await self.inner.attempt(attempt)
        await self.delay()

    def progress(self, progress: Progress) -> None:
        self.life.check()
        self.inner.progress(progress)

    async def settle(self, call_id: str, records: Sequence[SpendRecord]) -> None:
        self.life.check()  # and no wait: a journal takes the rows first
        known = self.shared.settled.setdefault(call_id, tuple(records))  # refused rows are put in again
        if any(row not in known and row.event.status != "interrupted" for row in records):
            self.shared.count(SETTLED_TWICE)
        try:
            await self.inner.settle(call_id, records)
        except Killed:  # half of it was written
            self.shared.settled.pop(call_id)
            raise
        await self.delay()

    def void(self, call_id: str) -> None:
        self.life.check()
        self.inner.void(call_id)

    async def pending(self, limit: int) -> Sequence[SpendRecord]:
        self.life.check()
        rows = await self.inner.pending(limit)
        await self.delay()
        return rows

    async def flushed(self, count: int) -> None:
        await self.delay()
        await self.inner.flushed(count)

    def waiting(self) -> int:
        self.life.check()
        return self.inner.waiting()

    @property
    def takes_calls(self) -> bool:
        return True

    @property
    def degraded(self) -> str | None:
        return self.inner.degraded

    async def recover(self) -> None:
        self.life.check()
        await self.inner.recover()

    async def run(self) -> None:
        await self.inner.run()

    async def close(self) -> None:
        self.life.check()
        await self.inner.close()
