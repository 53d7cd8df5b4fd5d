"""One process of the gateway, from its start to its end: its memory goes with it, its journal and the database stay."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

import anyio
import trio

from support.gateway_parts import MASTER_KEY, EventList, WordCounter, snapshot_of
from support.simulation.chance import Delay, Killed, Life, stream_of
from support.simulation.disk import MortalDisk, MortalFolders, make_mortal
from support.simulation.parts import Shared, SlowCounters, WatchedJournal
from support.simulation.scenario import NANO_PER_TOKEN, NS, Ending, Scenario
from support.simulation.store import Connection, KeyConnection
from support.simulation.upstream import Wire
from tianji_adapters.memory.null import NullGuardrails, NullPolicies, NullResponseCache
from tianji_adapters.system.journal_files import open_journal
from tianji_app.call.admission import CallAdmission
from tianji_app.call.admit import Admit
from tianji_app.call.interrupted import InterruptedPrices
from tianji_app.call.reservation import Reserve
from tianji_app.call.settlement import Settlement
from tianji_app.flusher import Flusher
from tianji_app.gateway import CallGateway
from tianji_app.in_flight import InFlight
from tianji_app.shutdown import shutting_down
from tianji_app.snapshot import Snapshot, SnapshotHolder
from tianji_app.use_cases.authenticate import Authenticate
from tianji_app.use_cases.key_cache import KeyCache
from tianji_core.access.master import master_key
from tianji_core.calls.secret import Secret
from tianji_core.errors import TianjiError
from tianji_core.routing.cooldown import Cooldown
from tianji_core.routing.strategies.simple_shuffle import STRATEGY

STORING_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class Process:
    """One process.

    Attributes:
        is_serving: Whether calls are taken. `calls`: those that run, by id.
    """

    shared: Shared
    number: int
    life: Life
    disk: MortalDisk
    journal: WatchedJournal
    counters: SlowCounters
    flusher: Flusher
    gateway: CallGateway
    events: EventList
    is_serving: bool = False
    is_stopped: bool = False
    _over: anyio.Event = field(default_factory=anyio.Event)
    calls: dict[str, str] = field(default_factory=dict)
    _connections: list[anyio.CancelScope] = field(default_factory=list)
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    async def run(self, *, serves: bool) -> None:
        """Take over what was left, serve if that is wanted, and end."""
        try:
            with self._scope:
                await self._live(serves=serves)
        except BaseException as error:  # noqa: BLE001 - raised again unless the process is dead
            self._only_dead(error)
        finally:
            self.is_serving = False

    def end(self, how: Ending) -> None:
        """End it: at once, at its next write, or in good order."""
        self.shared.count(how)
        if how == "torn":
            self.disk.on_torn = self.kill
        elif how == "kill":
            self.kill()
        else:
            self.is_serving, self.is_stopped = False, True
            self.gateway.in_flight.cut(shutting_down)
            self._tell_if_over()

    def kill(self) -> None:
        """End it at once, and without any of its code that would clean up."""
        if not self.life.is_alive:
            return
        self.life.is_alive = self.is_serving = False
        self.disk.on_torn = None
        self.disk.die()
        folders = self.journal.inner.folders
        if isinstance(folders, MortalFolders):
            folders.die()
        for scope in (*self._connections, self._scope):
            scope.cancel()

    @contextmanager
    def connection(self, call_id: str, key_id: str) -> Iterator[anyio.CancelScope]:
        """Carry one call for as long as its caller is there and the process lives."""
        scope = anyio.CancelScope()
        self._connections.append(scope)
        self.calls[call_id] = key_id
        try:
            with scope:
                yield scope
        except BaseException as error:  # noqa: BLE001 - raised again unless the process is dead
            self._only_dead(error)
        finally:
            self._connections.remove(scope)
            del self.calls[call_id]
            self._tell_if_over()

    async def _live(self, *, serves: bool) -> None:
        await self.journal.recover()
        if await self.flusher.drain(STORING_SECONDS):
            self.shared.count("served with spend not stored")
        self.is_serving = serves and not self.is_stopped
        if not serves:
            self.end("stop")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.flusher.run)
            tasks.start_soon(self.journal.run)
            await self._over.wait()
            tasks.cancel_scope.cancel()
        await self.flusher.drain(STORING_SECONDS)
        await self.journal.close()
        self.life.is_alive = False

    def _tell_if_over(self) -> None:
        if self.is_stopped and not self.calls:
            self._over.set()

    def _only_dead(self, error: BaseException) -> None:
        """Raise what the end of the process does not explain."""
        if isinstance(error, Killed):
            return
        if not isinstance(error, BaseExceptionGroup) or self.life.is_alive:
            raise error
        left = error.split((Killed, trio.Cancelled, TianjiError))[1]
        if left is not None:
            raise left


def start_process(shared: Shared, number: int) -> Process:
    """Return a process that is about to run."""
    scenario, life = shared.scenario, Life()
    rng = stream_of(scenario.seed, f"process {number}")
    delay = Delay(rng, life)
    disk = MortalDisk(life, scenario.faults.disk)
    snapshot = _snapshot(scenario)
    inner = open_journal(
        shared.root,
        clock=shared.clock,
        identifiers=shared.identifiers,
        price=InterruptedPrices(snapshot),
        settings=scenario.journal,
        disk=disk,
    )
    make_mortal(inner, life)
    journal = WatchedJournal(inner, life, delay, shared)
    store = Connection(shared.database, delay, scenario.faults, rng, shared.seen)
    counters = SlowCounters(shared.clock, delay=Delay(rng, life, longest=0.03))
    events = EventList()
    gateway = _gateway(shared, snapshot, delay, journal, store, counters, events, rng)
    flusher = Flusher(journal, store, counters, shared.clock)  # type: ignore[arg-type]
    return Process(shared, number, life, disk, journal, counters, flusher, gateway, events)


def _snapshot(scenario: Scenario) -> Snapshot:
    prices = {
        model: {"input_cost_per_token": Decimal(given) / NS, "output_cost_per_token": Decimal(produced) / NS, "litellm_provider": "openai"}
        for model, (given, produced) in NANO_PER_TOKEN.items()
    }
    return snapshot_of(scenario.deployments, router=scenario.router, general=scenario.general, prices=prices)


def _gateway(
    shared: Shared,
    snapshot: Snapshot,
    delay: Delay,
    journal: WatchedJournal,
    store: Connection,
    counters: SlowCounters,
    events: EventList,
    rng: Random,
) -> CallGateway:
    scenario, clock, settlement = shared.scenario, shared.clock, Settlement(WordCounter())
    admission = CallAdmission(counters, store, clock, windows=shared.kit.windows())
    cooldown = Cooldown(scenario.router)
    cooldown.replace(scenario.router, scenario.deployments)
    keys = KeyConnection(living={key.id: key for _, key in scenario.keys}, delay=delay)
    in_flight = InFlight()
    in_flight.follow(scenario.general)
    return shared.kit.gateway(
        authenticate=Authenticate(KeyCache(keys, clock), master_key(Secret(MASTER_KEY)), clock),
        snapshots=SnapshotHolder(snapshot),
        admit=Admit(Reserve(admission, settlement), cooldown, STRATEGY, rng, clock),
        policies=NullPolicies(),
        guardrails=NullGuardrails(),
        cache=NullResponseCache(),
        transport=Wire(shared.book, rng, delay, scenario.faults.upstream),
        journal=journal,
        settlement=settlement,
        events=events,
        clock=clock,
        identifiers=shared.identifiers,
        spend=store,  # type: ignore[arg-type]
        in_flight=in_flight,
    )
