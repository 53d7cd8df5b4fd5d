"""Connections to one database, and the two ways to use them: read, or write in one transaction that is tried again.

SQLite: WAL, one writer (`BEGIN IMMEDIATE`), foreign keys on, every commit on disk before it returns, because the journal forgets what
the ledger says that it has. PostgreSQL: no statement and no forgotten transaction lives longer than 10 s.
"""

import importlib
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from sqlalchemy import URL, Connection, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from tianji_adapters.sql.addresses import libpq_address, sqlite_file
from tianji_adapters.sql.errors import passes_by_itself, translated
from tianji_adapters.sql.types import from_json, to_json
from tianji_core.errors import ConfigurationError, ConflictError

T = TypeVar("T")

_POSTGRES_TIMEOUT = "10s"
_CONNECT_TIMEOUT_SECONDS = 5
_POOL_SIZE = 10
_TRIES = 5
_FIRST_PAUSE_SECONDS = 0.02
_READ_ONLY = "tianji_read_only"


@dataclass(slots=True, frozen=True)
class Engine:
    """One database. Errors of the driver leave it as ours."""

    url: URL
    pool: AsyncEngine
    writer: AbstractAsyncContextManager[None]

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; otherwise it is SQLite."""
        return self.url.get_backend_name() == "postgresql"

    async def read(self, doing: str, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run statements that change nothing, in one transaction."""
        with translated(doing):
            async with self.pool.connect() as connection:
                await connection.execution_options(**{_READ_ONLY: True})
                return await work(connection)

    async def write(
        self,
        doing: str,
        work: Callable[[AsyncConnection], Awaitable[T]],
        *,
        again: Callable[[Exception], bool] = passes_by_itself,
    ) -> T:
        """Run `work` in one transaction; where `again` says that its failure may pass, anew, at most five times in all."""
        with translated(doing):
            for attempt in range(1, _TRIES):
                try:
                    return await self._once(work)
                except (exc.DBAPIError, ConflictError) as error:
                    if not again(error):
                        raise
                # Full jitter, so that those who collided do not collide again.
                await anyio.sleep(random.uniform(0, _FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311  # no secret is made here
            return await self._once(work)

    async def _once(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self.writer, self.pool.begin() as connection:
            return await work(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.dispose()


def open_engine(url: URL, *, patient: bool = False) -> Engine:
    """Return an engine; nothing is connected yet. A patient one waits for locks without end: schema changes do.

    Raises:
        ConfigurationError: the driver is not installed.
    """
    if url.get_backend_name() == "postgresql":
        return Engine(url, _postgres(url, patient=patient), nullcontext())
    # The writer's lock is fair and wakes at once; SQLite's own polls.
    return Engine(url, _sqlite(url), anyio.Lock())


def _postgres(url: URL, *, patient: bool) -> AsyncEngine:
    try:
        asyncpg = importlib.import_module("asyncpg")  # an extra: who uses SQLite need not have it
    except ImportError:
        raise ConfigurationError("PostgreSQL needs the package asyncpg", hint="pip install 'tianji[postgres]'") from None
    address = libpq_address(url)
    timeout = "0" if patient else _POSTGRES_TIMEOUT
    settings = {
        "application_name": "tianji",
        "statement_timeout": timeout,
        "idle_in_transaction_session_timeout": timeout,
        "timezone": "UTC",
    }

    async def connect() -> Any:
        return await asyncpg.connect(address, timeout=_CONNECT_TIMEOUT_SECONDS, server_settings=settings)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=_POOL_SIZE,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=to_json,
        json_deserializer=from_json,
    )


def _sqlite(url: URL) -> AsyncEngine:
    sqlite_file(url).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, pool_size=_POOL_SIZE, hide_parameters=True, connect_args={"isolation_level": None})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # The time-out first: turning WAL on waits for others too.
    for setting in ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
