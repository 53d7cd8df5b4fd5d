"""A database that is only memory: always of this version, never away, and known to nobody outside of this process."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import anyio

from tianji_core.errors import ConfigurationError


@dataclass(slots=True)
class MemoryDatabase:
    """Implements the `Database` port."""

    right: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(1, max_value=1))

    async def upgrade(self) -> None:
        """Return: there is no schema."""

    async def ping(self) -> None:
        """Return: it always answers."""

    def only_process(self, *, wait_seconds: float) -> AbstractAsyncContextManager[None]:
        """Hold the right to be the only gateway on this object."""
        return self._only(wait_seconds)

    async def close(self) -> None:
        """Return: there are no connections."""

    @asynccontextmanager
    async def _only(self, wait_seconds: float) -> AsyncIterator[None]:
        await self._take(wait_seconds)
        try:
            yield
        finally:
            self.right.release()

    async def _take(self, wait_seconds: float) -> None:
        try:
            self.right.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(wait_seconds) as waiting:
                await self.right.acquire()
            if waiting.cancelled_caught:
                raise ConfigurationError(
                    "the database in memory is in use by another gateway of this process",
                    hint="stop the other one, or make another database",
                ) from None
