"""The right to be the only process on a PostgreSQL database.

It goes with the connection that holds it, so it is free as soon as its process has died. A restart of the server ends that connection as
well while the process lives on: then the process takes the right again as soon as the server is back. Whoever finds it taken by another
process stops.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import structlog
from anyio.abc import TaskStatus
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql.addresses import shown
from tianji_adapters.sql.engine import Engine, open_engine
from tianji_adapters.sql.errors import translated
from tianji_adapters.sql.locks import Session, own_session, take_advisory_lock
from tianji_core.errors import ConfigurationError, DependencyUnavailableError

_WATCH_SECONDS = 2.0
_ANSWER_SECONDS = 5.0
_AGAIN_SECONDS = 0.5
_log = structlog.get_logger("tianji.database")


@asynccontextmanager
async def only_on_postgres(url: URL, *, wait_seconds: float) -> AsyncIterator[None]:
    """Hold the right; wait at most that long for another process to leave.

    Raises:
        ConfigurationError: another process holds it; or took it while the server was away, which cancels the block.
        DependencyUnavailableError: the database does not answer at first.
    """
    # An engine of its own: its one connection is the lock, and must never serve anything else.
    right = _Right(open_engine(url))
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(right.hold, wait_seconds)
            yield
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        error = group.exceptions[0]
    else:
        return
    finally:
        await right.engine.close()
    raise error  # the block's own failure leaves it as it is, and as if there were no group


@dataclass(slots=True)
class _Right:
    """The right, and the server's session that had it last."""

    engine: Engine
    session: Session | None = None
    is_held: bool = False

    async def hold(self, wait_seconds: float, *, task_status: TaskStatus[None]) -> None:
        """Take the right, then keep it: for ever, or until another process has it."""
        await self._hold_once(wait_seconds, task_status.started)
        while True:
            await anyio.sleep(_AGAIN_SECONDS)
            try:
                await self._hold_once(0, _tell_return)
            except ConfigurationError as error:
                _log.error("another process took the database while it was away; this one stops", reason=error.message)
                raise

    async def _hold_once(self, wait_seconds: float, tell: Callable[[], None]) -> None:
        """Return when the connection is lost, or cannot be had again."""
        try:
            with translated("say whether another process uses it"):
                async with self.engine.pool.connect() as connection:
                    await connection.execution_options(isolation_level="AUTOCOMMIT")
                    guards = f"the database {shown(self.engine.url)}"
                    await take_advisory_lock(connection, wait_seconds=wait_seconds, guards=guards, before=self.session)
                    self.session = await own_session(connection)
                    self.is_held = True
                    tell()
                    await _watch(connection)
        except DependencyUnavailableError as error:
            if self.session is None:
                raise
            if self.is_held:
                _log.warning("the connection that makes this process the only one is lost; it is made again", reason=error.message)
            self.is_held = False


def _tell_return() -> None:
    _log.info("this process is the only one on its database again")


async def _watch(connection: AsyncConnection) -> None:
    """Ask for ever; what ends it is the connection's end."""
    while True:
        await anyio.sleep(_WATCH_SECONDS)
        with anyio.fail_after(_ANSWER_SECONDS):
            await connection.execute(text("SELECT 1"))
