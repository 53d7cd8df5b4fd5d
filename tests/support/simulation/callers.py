"""Callers: they call, come again as they are told, read slowly, and leave when it pleases them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import anyio
import trio.lowlevel

from support.gateway_parts import bearer, chat_body, inbound
from support.simulation.chance import stream_of
from support.simulation.parts import Shared
from support.simulation.process import Process
from tianji_core.calls.http import header
from tianji_core.envelopes import retry_headers
from tianji_core.errors import TianjiError
from tianji_core.ports.gateway import CallStream, Inbound

_MOST_TRIES = 4
_LONGEST_WAIT = 70.0
_DONE = b"data: [DONE]\n\n"


@dataclass(slots=True, eq=False)
class Call:
    """One try of one call, as its caller sees it.

    Attributes:
        is_answered: Whether the caller has the whole answer.
        words: How many words of it the caller has.
    """

    marker: str
    call_id: str
    key_id: str
    process: int
    is_answered: bool = False
    words: int = 0
    error: str | None = None


@dataclass(slots=True)
class Leaving:
    """Callers who leave after so many steps of their task: at any of its awaits."""

    after: dict[trio.lowlevel.Task, tuple[int, anyio.CancelScope]] = field(default_factory=dict)

    def step(self, task: trio.lowlevel.Task) -> None:
        """Count one step of a task."""
        found = self.after.get(task)
        if found is None:
            return
        left, scope = found
        if left > 1:
            self.after[task] = left - 1, scope
            return
        del self.after[task]
        scope.cancel()


@dataclass(slots=True)
class Caller:
    """One of them.

    Args:
        process: Gives the process that serves now, if one does.
        on_answer: Is told of each whole answer as soon as the caller has it.
    """

    shared: Shared
    number: int
    process: Callable[[], Process | None]
    leaving: Leaving
    calls: list[Call]
    on_answer: Callable[[Call], None]

    async def run(self) -> None:
        """Make all calls."""
        scenario = self.shared.scenario
        rng = stream_of(scenario.seed, f"caller {self.number}")
        for number in range(scenario.calls):
            await anyio.sleep(rng.expovariate(1 / scenario.pace))
            for attempt in range(_MOST_TRIES):
                wait = await self._try(f"{self.number}-{number}-{attempt}", rng)
                if wait is None:
                    break
                self.shared.count("came again")
                await anyio.sleep(wait)

    async def _try(self, marker: str, rng: Random) -> float | None:
        """Make one call; return after how many seconds to come again."""
        process = self.process()
        if process is None:
            self.shared.count("nobody served")
            return 0.5
        text, key = rng.choice(self.shared.scenario.keys)
        call = Call(marker, process.gateway.new_call_id(), key.id, process.number)
        self.calls.append(call)
        request, task = self._request(text, marker, rng), trio.lowlevel.current_task()
        try:
            with process.connection(call.call_id, key.id) as connection:
                reads = self._plan_to_leave(connection, task, rng)
                async with process.gateway.open(request, call.call_id) as stream:
                    await self._read(call, stream, rng, reads)
        except TianjiError as error:
            call.error = type(error).__name__
            self.shared.count(call.error)
            wait = header(retry_headers(error), "retry-after")
            return min(float(wait), _LONGEST_WAIT) if wait is not None else None
        finally:
            self.leaving.after.pop(task, None)
        return None

    def _request(self, text: str, marker: str, rng: Random) -> Inbound:
        body = chat_body(
            rng.choice(("fast", "fast", "spare")),
            messages=[{"role": "user", "content": marker + " word" * rng.randrange(30)}],
            stream=rng.random() < 0.6,
        )
        if rng.random() < 0.8:
            body["max_tokens"] = rng.randint(1, 60)
        return inbound(body, key=None, headers=(*bearer(text), ("x-tianji-call-id", marker)))

    def _plan_to_leave(self, connection: anyio.CancelScope, task: trio.lowlevel.Task, rng: Random) -> int | None:
        """Decide whether to leave, after so many steps, seconds or (returned) reads."""
        if rng.random() >= self.shared.scenario.faults.leaves:
            return None
        self.shared.count("left")
        how = rng.randrange(3)
        if how == 0:
            self.leaving.after[task] = rng.randint(1, 60), connection
        elif how == 1:
            connection.deadline = anyio.current_time() + rng.random() * rng.choice((0.1, 1.0, 5.0))
        return rng.randrange(6) if how == 2 else None

    async def _read(self, call: Call, stream: CallStream, rng: Random, reads: int | None) -> None:
        is_whole, data, count = stream.keep_alive() is None, b"", 0
        while count != reads:
            piece = await anext(stream, None)
            if piece is None:
                break
            count += 1
            data += piece
            call.words = data.count(b" ") if is_whole else data.count(b'"content":"w')
            if is_whole or data.endswith(_DONE):
                call.is_answered = True
                self.on_answer(call)
            await anyio.sleep(rng.choice((0.0, 0.0, 0.05)))
