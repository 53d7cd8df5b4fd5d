"""From the journal to the ledger, in batches, for as long as the process lives."""

from dataclasses import dataclass

import anyio
import structlog

from tianji_core.errors import DependencyUnavailableError
from tianji_core.ports.journal import Journal
from tianji_core.ports.spend_store import SpendStore

BATCH_ROWS = 500
PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_log = structlog.get_logger("tianji.flusher")


@dataclass(slots=True)
class Flusher:
    """Takes what the journal holds and stores it, at most four times a second; a store that is away is asked again, later and later."""

    journal: Journal
    spend: SpendStore
    is_away: bool = False

    async def run(self) -> None:
        """Flush for ever."""
        pause = PAUSE_SECONDS
        while True:
            pause = PAUSE_SECONDS if await self.flush_once() else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            await anyio.sleep(pause)

    async def flush_once(self) -> bool:
        """Store one batch, waiting for the first row. Return whether it was stored."""
        rows = await self.journal.pending(BATCH_ROWS)
        try:
            with anyio.CancelScope(shield=True):  # a batch that has begun is ended, also while the process stops; the store bounds it
                await self.spend.add(rows)
        except DependencyUnavailableError as error:
            if not self.is_away:
                _log.warning("spend cannot be stored; it waits in the journal", reason=error.message, waiting=self.journal.waiting())
            self.is_away = True
            return False
        if self.is_away:
            _log.info("spend is stored again", waiting=self.journal.waiting())
        self.is_away = False
        await self.journal.flushed(len(rows))
        return True

    async def drain(self, seconds: float) -> int:
        """Store what is left, for at most so long. Return how many rows could not be stored."""
        with anyio.move_on_after(seconds, shield=True):
            while self.journal.waiting():
                if not await self.flush_once():
                    await anyio.sleep(PAUSE_SECONDS)
        return self.journal.waiting()
