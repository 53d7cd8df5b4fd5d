"""Everything that happens by chance in a simulation follows from one number: what it draws, and in which order its tasks run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
from trio._core import _run as scheduler

_LONG_PAUSES = 0.08


class Killed(BaseException):
    """What code of a process meets that has been killed: it is not there any more, so that nothing of it may have an effect."""


@dataclass(slots=True, eq=False)
class Life:
    """Whether a process lives."""

    is_alive: bool = True

    def check(self) -> None:
        """Stop code that would not run any more."""
        if not self.is_alive:
            raise Killed


@dataclass(slots=True, eq=False)
class Delay:
    """What waiting for somebody else takes: often nothing, mostly little, now and then `longest` seconds."""

    rng: Random
    life: Life
    longest: float = 0.5

    async def __call__(self) -> None:
        """Wait, at least for the others to run; the process may be killed meanwhile."""
        self.life.check()
        share = self.rng.random()
        if share < 0.5:
            for _ in range(1 + self.rng.randrange(2)):
                await anyio.lowlevel.checkpoint()
        else:
            await anyio.sleep(self.rng.random() * (self.longest if share > 1 - _LONG_PAUSES else 0.02))
        self.life.check()


def stream_of(seed: int, name: str) -> Random:
    """Return random numbers for one purpose, so that another one drawing more of them changes nothing here."""
    return Random(f"{seed}|{name}")


@contextmanager
def scheduled_by(seed: int) -> Iterator[None]:
    """Let trio run its tasks in an order that the seed decides, and what goes to a thread in the task itself.

    Trio has both for its own tests: it shuffles the tasks that can run, by random numbers that can be seeded.
    """
    before, in_thread = scheduler._ALLOW_DETERMINISTIC_SCHEDULING, anyio.to_thread.run_sync
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    scheduler._r.seed(seed)
    anyio.to_thread.run_sync = _in_place  # type: ignore[assignment]
    try:
        yield
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]
        anyio.to_thread.run_sync = in_thread


async def _in_place(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    await anyio.lowlevel.checkpoint()  # and none behind: a kernel lets go of what a killed process has just locked
    return function(*arguments)
