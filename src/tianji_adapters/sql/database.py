"""The database as a whole."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql import partitions, upgrade
from tianji_adapters.sql.addresses import sqlite_file
from tianji_adapters.sql.engine import Engine
from tianji_adapters.sql.locks import file_lock
from tianji_adapters.sql.only_process import only_on_postgres


@dataclass(slots=True, frozen=True)
class SqlDatabase:
    """Implements the `Database` port. The lock of an SQLite database lies in the data directory."""

    engine: Engine
    data_dir: Path

    async def upgrade(self) -> None:
        """Bring the schema to this version, and the ledger's partitions a week ahead."""
        await upgrade.upgrade(self.engine)
        if self.engine.is_postgres:
            await self.engine.write("make room for the coming days", partitions.make_ahead)

    async def revision(self) -> str | None:
        """Return the revision of the schema, or None where there is none yet."""
        return await upgrade.revision_of(self.engine)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self.engine.read("answer", _ask_anything)

    def only_process(self, *, wait_seconds: float) -> AbstractAsyncContextManager[None]:
        """Hold the right to be the only gateway on this database."""
        if self.engine.is_postgres:
            return only_on_postgres(self.engine.url, wait_seconds=wait_seconds)
        return self._only_on_sqlite(wait_seconds)

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.close()

    @asynccontextmanager
    async def _only_on_sqlite(self, wait_seconds: float) -> AsyncIterator[None]:
        file = sqlite_file(self.engine.url)
        paths = [self.data_dir.absolute() / "run" / "lock"]
        if file.parent != self.data_dir.absolute():
            # Two data directories may name one database.
            paths.append(file.with_name(file.name + ".lock"))
        async with AsyncExitStack() as locks:
            for path in paths:
                await locks.enter_async_context(file_lock(path, wait_seconds=wait_seconds, guards=f"the database {file}"))
            yield


async def _ask_anything(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 1"))
