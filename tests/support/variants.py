"""`tianji` with one part replaced: `python -m support.variants NAME serve ...`.

Without a mechanism what a test promises must fail; another disk can be told to fail; and the tasks of a process can be counted.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType

import anyio

from support.limits import NoReservation
from support.told_disk import ToldDisk
from tianji_adapters.memory.journal import MemoryJournal
from tianji_adapters.system.journal_files import open_journal
from tianji_app import outside
from tianji_app.call.stream import AnswerStream
from tianji_app.cli import main
from tianji_core.translation.path import RelayEvent

TASKS = "tasks of the event loop:"
_SETTLING_SECONDS = 0.05


class _MemoryJournal(MemoryJournal):
    damages = 0

    def size_bytes(self) -> int:
        return 0


def journal_in_memory() -> None:
    """Keep the journal in memory only."""
    outside.open_journal = lambda root, **facts: _MemoryJournal()  # type: ignore[assignment, attr-defined]


def settle_after_the_last_byte() -> None:
    """Write the account when the answer is out already, and as slowly as a database does."""
    advance = AnswerStream.__anext__

    async def finish(self: AnswerStream, events: list[RelayEvent]) -> None:
        self._ended = True
        self._ready.append(b"".join(event.data for event in events))

    async def late(self: AnswerStream) -> bytes:
        if self._ended and not self._ready:
            await anyio.sleep(_SETTLING_SECONDS)
            await self.settle("ok", None)
        return await advance(self)

    AnswerStream._finish = finish  # type: ignore[method-assign]
    AnswerStream.__anext__ = late  # type: ignore[method-assign]


def without_reservation() -> None:
    """Hold nothing of a budget while a call runs."""
    outside.MemoryCounters = NoReservation  # type: ignore[attr-defined]


def told_disk() -> None:
    """Let the journal write to a disk that can be told to fail."""
    outside.open_journal = partial(open_journal, disk=ToldDisk())  # type: ignore[attr-defined]


def counting_tasks() -> None:
    """Print, at SIGUSR2, how many tasks the event loop has."""

    def tell(number: int, frame: FrameType | None) -> None:
        print(TASKS, len(asyncio.all_tasks()), flush=True)

    signal.signal(signal.SIGUSR2, tell)


VARIANTS: Mapping[str, Callable[[], None]] = {
    "journal-in-memory": journal_in_memory,
    "settle-after-the-last-byte": settle_after_the_last_byte,
    "without-reservation": without_reservation,
    "told-disk": told_disk,
    "counting-tasks": counting_tasks,
}

if __name__ == "__main__":
    VARIANTS[sys.argv.pop(1)]()
    main()
