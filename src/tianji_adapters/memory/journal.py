"""The spend journal in memory: it waits where it is full and drops nothing. It does not survive the process."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import anyio

from tianji_core.spend.journal_entries import Attempted, OpenCall, Progress
from tianji_core.spend.record import SpendRecord


@dataclass(slots=True)
class MemoryJournal:
    """A bounded queue of settled rows. `capacity` is counted in rows; one call's rows always go in together.

    A caller that is cancelled while it waits for room leaves its rows here all the same, above the capacity.
    """

    capacity: int = 10_000
    _open: dict[str, OpenCall] = field(default_factory=dict)
    _rows: deque[SpendRecord] = field(default_factory=deque)
    _changed: anyio.Event = field(default_factory=anyio.Event)

    async def open(self, call: OpenCall) -> None:
        """Remember that the call goes upstream."""
        self._open[call.call_id] = call

    async def attempt(self, attempt: Attempted) -> None:
        """Nothing: whoever could ask after a crash has gone with the process."""

    def progress(self, progress: Progress) -> None:
        """Nothing: whoever could ask after a crash has gone with the process."""

    async def settle(self, call_id: str, records: Sequence[SpendRecord]) -> None:
        """Append the rows of a call, waiting for room."""
        try:
            while self._rows and len(self._rows) + len(records) > self.capacity:
                await self._changed.wait()
        finally:
            self._rows.extend(records)
            self._open.pop(call_id, None)
            self._tell()

    def void(self, call_id: str) -> None:
        """Forget that the call was opened."""
        self._open.pop(call_id, None)

    async def pending(self, limit: int) -> Sequence[SpendRecord]:
        """Return the oldest rows, waiting for the first."""
        while not self._rows:
            await self._changed.wait()
        return tuple(islice(self._rows, limit))

    async def flushed(self, count: int) -> None:
        """Forget the oldest rows."""
        for _ in range(count):
            self._rows.popleft()
        self._tell()

    def waiting(self) -> int:
        """How many rows are not flushed."""
        return len(self._rows)

    @property
    def takes_calls(self) -> bool:
        """Always."""
        return True

    @property
    def degraded(self) -> str | None:
        """Nothing here can fail."""
        return None

    async def recover(self) -> None:
        """Nothing: nobody left anything."""

    async def run(self) -> None:
        """Wait: there is nothing to do."""
        await anyio.sleep_forever()

    async def close(self) -> None:
        """Nothing is held."""

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
