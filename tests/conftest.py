"""Fixtures that many folders share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.postgres import PostgresServer, running_postgres
from support.stores import Stores, copied_sqlite, fresh_postgres, memory_stores, sql_stores, sqlite_template


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_file() -> Iterator[Path]:
    """An SQLite file with our schema; copy it, never write to it."""
    with sqlite_template() as path:
        yield path


@pytest.fixture(params=["sqlite", "postgres"])
async def sql_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database of the test's own, with our schema, on each engine in turn."""
    if request.param == "sqlite":
        yield copied_sqlite(request.getfixturevalue("sqlite_file"), tmp_path)
    else:
        async with fresh_postgres(request.getfixturevalue("postgres_server")) as url:
            yield url


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """The storage ports of an empty database, on each adapter in turn."""
    if request.param == "memory":
        async with memory_stores() as found:
            yield found
    elif request.param == "sqlite":
        async with sql_stores(copied_sqlite(request.getfixturevalue("sqlite_file"), tmp_path), tmp_path) as found:
            yield found
    else:
        async with fresh_postgres(request.getfixturevalue("postgres_server")) as url, sql_stores(url, tmp_path) as found:
            yield found
