"""Connections to one database, and the two ways to use them: read, or write in one transaction that is tried again.

SQLite: WAL, one writer (`BEGIN IMMEDIATE`), foreign keys on, every commit on disk before it returns, because the journal forgets what
the ledger says that it has. PostgreSQL: no statement and no forgotten transaction lives longer than 10 s.
"""

import importlib
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import anyio
from sqlalchemy import URL, AdaptedConnection, Connection, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import in_greenlet

from tianji_adapters.sql.addresses import libpq_address, sqlite_file
from tianji_adapters.sql.errors import passes_by_itself, translated
from tianji_adapters.sql.types import from_json, to_json
from tianji_core.errors import ConfigurationError, ConflictError

T = TypeVar("T")

_POSTGRES_TIMEOUT = "10s"
_CONNECT_TIMEOUT_SECONDS = 5
_ANSWER_SECONDS = 12
"""After this a server that should have given up by itself is taken for gone: its machine, or the way to it, may be."""

_CLOSE_SECONDS = 5
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
        """Close all connections, also while the process is being cancelled; the rest of a slow one is left to its server."""
        with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
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

    patience = None if patient else _ANSWER_SECONDS

    async def connect() -> Any:
        return await asyncpg.connect(address, timeout=_CONNECT_TIMEOUT_SECONDS, command_timeout=patience, server_settings=settings)

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
    # Whoever is cancelled may be cancelled again while its connection closes. Then SQLAlchemy stops the driver's thread a second time,
    # and the first one to do so waits for an answer of the thread that has gone: for ever.
    engine.sync_engine.dialect.do_terminate = _stop_sqlite  # type: ignore[method-assign]
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cast("AdaptedConnection", connection).run_async(_set_up_sqlite)


async def _set_up_sqlite(driver: Any) -> None:
    with anyio.CancelScope(shield=True):  # a connection that is given up here would belong to nobody, and stay open
        # The time-out first: turning WAL on waits for others too.
        for setting in ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor = await driver.execute(f"PRAGMA {setting}")
            await cursor.close()


def _stop_sqlite(dbapi_connection: Any) -> None:
    """Close a connection whose use was cancelled: its thread ends its statement, rolls back and stops."""
    stopped = dbapi_connection.driver_connection.stop()
    if in_greenlet():  # not so where the garbage collector finds it: nobody can wait there
        dbapi_connection.run_async(lambda _: _wait_for(stopped))


async def _wait_for(stopped: Awaitable[None]) -> None:
    with anyio.CancelScope(shield=True):
        await stopped


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
