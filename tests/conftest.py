"""Fixtures that many folders share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support import recordings
from support.figures import figures
from support.postgres import PostgresServer, running_postgres
from support.stores import SqlSource, Stores, borrowed_database, fresh_database, memory_stores, sql_stores, sqlite_template

collect_ignore_glob = [] if recordings.available() else [f"**/{recordings.TESTS}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what tests have counted and measured, and which were not collected for want of the recordings."""
    for line in figures(terminalreporter):
        terminalreporter.write_line(line)
    if collect_ignore_glob:
        count = len(list(Path(__file__).parent.rglob(recordings.TESTS)))
        terminalreporter.write_line(f"recordings: {count} files {recordings.TESTS} were not collected, for {recordings.FOLDER} has none")


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
def sql_source(request: pytest.FixtureRequest) -> SqlSource:
    """Where the databases of a test come from, on each engine in turn."""
    source: SqlSource = request.getfixturevalue("sqlite_file" if request.param == "sqlite" else "postgres_server")
    return source


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store_source(request: pytest.FixtureRequest) -> SqlSource | None:
    """Where the stores of a test come from, on each adapter in turn."""
    names = {"sqlite": "sqlite_file", "postgres": "postgres_server"}
    return request.getfixturevalue(names[request.param]) if request.param in names else None


@pytest.fixture
async def sql_url(sql_source: SqlSource, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database of the test's own, with our schema."""
    async with fresh_database(sql_source, tmp_path) as url:
        yield url


@pytest.fixture
async def empty_sql_url(sql_source: SqlSource, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database of the test's own, without any schema."""
    async with fresh_database(sql_source, tmp_path, empty=True) as url:
        yield url


@pytest.fixture
async def stores(store_source: SqlSource | None, tmp_path: Path) -> AsyncIterator[Stores]:
    """The storage ports of an empty database."""
    if store_source is None:
        async with memory_stores() as found:
            yield found
    else:
        async with borrowed_database(store_source, tmp_path) as url, sql_stores(url, tmp_path) as found:
            yield found
