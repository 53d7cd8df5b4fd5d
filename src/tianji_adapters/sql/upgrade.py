"""Bringing a schema to this version. Alembic is imported only where something has to be done.

A database may be newer than the code: then a newer process was here. It says since which revision a process can still work with it
(`schema.compatible_since` in `settings`); an older process does not start.

The work runs in a thread with a loop of its own, one at a time: Alembic keeps its context in module variables, and blocks.
"""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import URL, Connection, inspect, select, text

from tianji_adapters.sql.addresses import parse, shown, sqlite_file
from tianji_adapters.sql.engine import Engine, open_engine
from tianji_adapters.sql.errors import translated
from tianji_adapters.sql.locks import SCHEMA_LOCK, waiting_file_lock
from tianji_adapters.sql.tables import settings
from tianji_core.errors import ConfigurationError

T = TypeVar("T")

REVISIONS = ("0001", "0002", "0003")
HEAD = REVISIONS[-1]
COMPATIBLE_SINCE = "schema.compatible_since"

_ONE_AT_A_TIME = threading.Lock()


async def upgrade(engine: Engine) -> None:
    """Bring the schema to `HEAD`; of many processes at once one works, and the others find it done.

    Raises:
        ConfigurationError: the database is newer than this code and says that it cannot serve it.
        DependencyUnavailableError: it does not answer.
    """
    if await engine.read("tell its version", lambda connection: connection.run_sync(_needs_work)):
        await _in_thread(engine.url, _upgrade)


async def revision_of(engine: Engine) -> str | None:
    """Return the revision that the database has, or None where it is empty."""
    return await engine.read("tell its version", lambda connection: connection.run_sync(_revision))


async def upgrade_to(url: str, revision: str) -> None:
    """Bring an older schema to a given revision and not beyond."""
    await _in_thread(parse(url), lambda connection: _run_to(connection, revision))


async def check_schema(url: str) -> tuple[str, ...]:
    """Return what differs between the database and the tables of the code; nothing when the migrations are complete."""
    return await _in_thread(parse(url), _differences)


async def _in_thread(url: URL, step: Callable[[Connection], T]) -> T:
    return await anyio.to_thread.run_sync(_alone, url, step)


def _alone(url: URL, step: Callable[[Connection], T]) -> T:
    is_postgres = url.get_backend_name() == "postgresql"
    file = sqlite_file(url)
    with _ONE_AT_A_TIME, nullcontext() if is_postgres else waiting_file_lock(file.with_name(file.name + ".upgrade.lock")):
        return anyio.run(_in_transaction, url, step)


async def _in_transaction(url: URL, step: Callable[[Connection], T]) -> T:
    engine = open_engine(url, patient=True)
    try:
        with translated("bring its schema to this version"):
            async with engine.pool.begin() as connection:
                if engine.is_postgres:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
                return await connection.run_sync(step)
    finally:
        await engine.close()


def _upgrade(connection: Connection) -> None:
    # Asked again: the one who held the lock before us may have been of another version.
    if _needs_work(connection):
        _run_to(connection, HEAD)


def _needs_work(connection: Connection) -> bool:
    found = _revision(connection)
    if found is None or found in REVISIONS:
        return found != HEAD
    since = connection.execute(select(settings.c.value).where(settings.c.name == COMPATIBLE_SINCE)).scalar_one_or_none()
    if since in REVISIONS:
        return False
    raise ConfigurationError(
        f"the database {shown(connection.engine.url)} has schema {found}, which is newer than this version's {HEAD} "
        f"and cannot be used by it (it serves versions since {since})",
        hint="start the version that upgraded it, or a newer one",
    )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _run_to(connection: Connection, revision: str) -> None:
    from tianji_adapters.sql import schema_changes  # noqa: PLC0415  # see the top

    schema_changes.run_to(connection, revision)


def _differences(connection: Connection) -> tuple[str, ...]:
    from tianji_adapters.sql import schema_changes  # noqa: PLC0415  # see the top

    return schema_changes.differences(connection)
