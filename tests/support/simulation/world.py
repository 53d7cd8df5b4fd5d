"""One world from one number: run it, and what must hold is checked after every step."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ParamSpec

import anyio
import trio
import trio.lowlevel
import trio.testing
from structlog.testing import capture_logs

from support.gateway_parts import FlowClock
from support.simulation.callers import Call, Caller, Leaving
from support.simulation.chance import scheduled_by, stream_of
from support.simulation.invariants import ViolationError, check_answered, check_books, check_rates, check_rest, check_step
from support.simulation.parts import Kit, Shared
from support.simulation.process import Process, start_process
from support.simulation.scenario import scenario_of
from tianji_core.access.keys import VirtualKey
from tianji_core.limits.owners import KEY_SCOPE

P = ParamSpec("P")
_LONGEST_SECONDS = 3_600.0
_MOST_STEPS = 300_000
_TOLD_AS_BUGS = ("a call cost more than was held for it", "settled rows are lost: neither the disk nor the database took them")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a world.

    Attributes:
        digest: Of everything that happened, in its order: two runs of one seed have the same.
        seen: What has happened how often.
    """

    seed: int
    steps: int
    digest: str
    seen: Mapping[str, int]


@dataclass(slots=True, eq=False)
class World(trio.abc.Instrument):
    """A world that runs. Trio tells it of each step."""

    shared: Shared
    keys: Mapping[str, VirtualKey]
    endings: list[tuple[int, str]]
    leaving: Leaving = field(default_factory=Leaving)
    calls: list[Call] = field(default_factory=list)
    process: Process | None = None
    violation: ViolationError | None = None
    steps: int = 0
    is_over: bool = False
    trace: list[str] = field(default_factory=list)
    _scope: anyio.CancelScope | None = None

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Check everything, then let chance strike: a caller leaves, the process ends."""
        self.steps += 1
        process = self.process
        if process is not None and process.life.is_alive:
            self.check(check_step, process, self.keys)
        if self.steps > _MOST_STEPS:
            self.fail(ViolationError("it does not come to rest"))
        self.leaving.step(task)
        if self.endings and self.steps >= self.endings[0][0] and process is not None and process.life.is_alive:
            how = self.endings.pop(0)[1]
            self.note(f"{how} of process {process.number}")
            process.end(how)  # type: ignore[arg-type]

    def check(self, what: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
        """Check something; end where it does not hold."""
        try:
            what(*arguments, **named)
        except ViolationError as error:
            self.fail(error)

    def fail(self, violation: ViolationError) -> None:
        """Remember the first violation, and end."""
        if self.violation is None:
            place = f"seed {self.shared.scenario.seed}, step {self.steps}, {anyio.current_time():.3f} s"
            self.violation = ViolationError(f"{place}: {violation}")
        if self._scope is not None:
            self._scope.cancel()

    def note(self, what: str) -> None:
        """Write down what happened."""
        self.trace.append(f"{self.steps} {anyio.current_time():.6f} {what}")

    def answered(self, call: Call) -> None:
        """Check that a call is accounted by the time its caller has the answer."""
        self.check(check_answered, self.shared, call)

    def serving(self) -> Process | None:
        """Return the process that takes calls."""
        return self.process if self.process is not None and self.process.is_serving else None

    async def run(self) -> None:
        """Let everybody call until all have what they want, then come to rest."""
        with anyio.CancelScope() as self._scope:
            with anyio.move_on_after(_LONGEST_SECONDS) as waiting:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._operate)
                    await self._call()
            if waiting.cancelled_caught:
                self.fail(ViolationError("it does not come to rest"))

    async def _call(self) -> None:
        async with anyio.create_task_group() as callers:
            for number in range(self.shared.scenario.callers):
                caller = Caller(self.shared, number, self.serving, self.leaving, self.calls, self.answered)
                callers.start_soon(caller.run)
        self.is_over = True
        self.endings.clear()
        if self.process is not None:
            self.process.disk.on_torn = None
            self.process.end("stop")

    async def _operate(self) -> None:
        """Start one process after another; the last one takes over what the others left and comes to rest."""
        rng, number = stream_of(self.shared.scenario.seed, "operator"), 0
        while not self.is_over or self._is_left():
            number += 1
            self.process = process = start_process(self.shared, number)
            self.note(f"process {number} starts")
            await process.run(serves=not self.is_over)
            self.check(check_rates, process, self.keys)
            await anyio.sleep(rng.random() * 2)
        if self.process is not None:
            self.check(check_rest, self.process)

    def _is_left(self) -> bool:
        return any(path.is_dir() for path in self.shared.root.iterdir() if path.name != "quarantine")


def simulate(seed: int, kit: Kit | None = None) -> Outcome:
    """Run the world of a seed.

    Raises:
        ViolationError: something did not hold; it says at which step.
    """
    with TemporaryDirectory(prefix="tianji-simulation-") as folder, scheduled_by(seed), capture_logs() as logs:
        world = _world_of(seed, kit or Kit(), Path(folder))
        clock = trio.testing.MockClock(autojump_threshold=0)
        anyio.run(world.run, backend="trio", backend_options={"clock": clock, "instruments": [world]})
    if world.violation is not None:
        raise world.violation
    told = [line for line in logs if line["event"] in _TOLD_AS_BUGS]
    if told:
        raise ViolationError(f"seed {seed}: {told[0]}")
    try:
        check_books(world.shared, world.calls)
    except ViolationError as error:
        raise ViolationError(f"seed {seed}, at rest: {error}") from None
    return Outcome(seed, world.steps, _digest(world), dict(world.shared.seen))


def _world_of(seed: int, kit: Kit, root: Path) -> World:
    scenario = scenario_of(seed)
    shared = Shared(scenario, kit, root, FlowClock(began=0.0), kit.database())
    return World(shared, {KEY_SCOPE + key.id: key for _, key in scenario.keys}, list(scenario.endings))


def _digest(world: World) -> str:
    calls = [f"{call.marker} {call.call_id} {call.is_answered} {call.words} {call.error}" for call in world.calls]
    rows = [f"{row.call_id} {row.seq} {row.event.status} {row.cost.total_nano}" for row in world.shared.database.ledger.values()]
    return hashlib.sha256("\n".join([*world.trace, *calls, *rows, str(world.steps)]).encode()).hexdigest()
