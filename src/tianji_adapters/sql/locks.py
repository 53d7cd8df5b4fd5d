"""Rights that one process at a time may hold: a lock on a file (SQLite), an advisory lock of the server (PostgreSQL).

Both end with their process, however it dies.
"""

import fcntl
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import anyio
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_core.errors import ConfigurationError

_POLL_SECONDS = 0.1
_ADVICE = "one process owns a database: stop the other one, or give this one a database and a data directory (TIANJI_DATA_DIR) of its own"

SCHEMA_LOCK = 7_426_001_001
PROCESS_LOCK = 7_426_001_002

_HOLDER = text(
    """
    SELECT a.application_name, a.pid, a.client_addr::text, a.backend_start::text AS since
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (CAST(l.classid AS bigint) << 32) + CAST(l.objid AS bigint) = :lock
    """
)
_OWN_SESSION = text("SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()")


class Session(NamedTuple):
    """A session of a PostgreSQL server: its number there, which is used again, and since when it is."""

    pid: int
    since: str


def own_name() -> str:
    """Return who this process is, for the one who waits for it."""
    return f"process {os.getpid()} on {socket.gethostname()}"


@contextmanager
def waiting_file_lock(path: Path) -> Iterator[None]:
    """Hold the lock on a file, waiting for it without end: blocks its thread."""
    with _opened(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def file_lock(path: Path, *, wait_seconds: float, guards: str) -> AsyncIterator[None]:
    """Hold the lock on a file; wait at most that long for it.

    Raises:
        ConfigurationError: another process holds it; or the file cannot be made.
    """
    with _opened(path) as file:
        deadline = anyio.current_time() + wait_seconds
        while not _try_lock(file):
            if anyio.current_time() >= deadline:
                raise ConfigurationError(f"{guards} is in use by {_written_in(path)}, which holds {path}", hint=_ADVICE)
            await anyio.sleep(_POLL_SECONDS)
        # The file stays when we leave: removing it would let a waiter lock a file that nobody else sees.
        file.truncate(0)
        file.write(own_name())
        file.flush()
        yield


async def take_advisory_lock(connection: AsyncConnection, *, wait_seconds: float, guards: str, before: Session | None = None) -> None:
    """Take the right to be the only process, for as long as the connection lives; wait at most that long for it.

    Args:
        before: The session in which this process had the right. A server that has not noticed yet that its connection is lost keeps it;
            it is ended.

    Raises:
        ConfigurationError: another process holds it.
    """
    await connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": f"tianji, {own_name()}"})
    deadline = anyio.current_time() + wait_seconds
    attempt = text("SELECT pg_try_advisory_lock(:lock)")
    while not (await connection.execute(attempt, {"lock": PROCESS_LOCK})).scalar_one():
        holder = (await connection.execute(_HOLDER, {"lock": PROCESS_LOCK})).first()
        if holder is not None and (holder.pid, holder.since) == before:
            await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": holder.pid})
        elif anyio.current_time() >= deadline:
            raise ConfigurationError(f"{guards} is in use by {_named(holder)}", hint=_ADVICE)
        await anyio.sleep(_POLL_SECONDS)


async def own_session(connection: AsyncConnection) -> Session:
    """Return which session of the server a connection is."""
    pid, since = (await connection.execute(_OWN_SESSION)).one()
    return Session(pid, since)


def _named(holder: Row[Any] | None) -> str:
    if holder is None:
        return "another process, which has just left"
    place = holder.client_addr or "a local socket"
    return f"{holder.application_name} (from {place}, server process {holder.pid}, since {holder.since})"


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"the lock file {path} cannot be opened: {error.strerror}", hint="make the directory writable") from None


def _written_in(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() or "another process"


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
