"""The right to be the only process outlives the connection that held it, unless another process was faster."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog
from anyio.abc import SocketStream
from sqlalchemy import make_url

from support.postgres import PostgresServer, asyncpg
from support.stores import open_sql
from tianji_adapters.sql.locks import PROCESS_LOCK
from tianji_core.errors import ConfigurationError, DependencyUnavailableError

_HOLDERS = "SELECT a.pid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE l.locktype = 'advisory' AND a.datname = $1"
_SOON = 15


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@pytest.fixture
async def name(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A database of the test's own."""
    name = await postgres_server.create_database()
    yield name
    await postgres_server.drop_database(name)


@dataclass(slots=True)
class Watcher:
    """Looks at a database, and may take its right, from outside."""

    connection: Any
    database: str

    async def holders(self) -> list[int]:
        """Return the server's processes that hold a right in the database."""
        return [row["pid"] for row in await self.connection.fetch(_HOLDERS, self.database)]

    async def replaced(self, before: list[int]) -> None:
        """Wait until another session holds the right."""
        await self.until(lambda found: len(found) == 1 and found != before)

    async def until(self, wanted: Callable[[list[int]], bool]) -> list[int]:
        """Wait until the holders are as wanted."""
        with anyio.fail_after(_SOON):
            while not wanted(found := await self.holders()):  # noqa: ASYNC110  # another process's doing
                await anyio.sleep(0.05)
        return found

    async def take(self) -> None:
        """Take the right as another process would."""
        assert await self.connection.fetchval("SELECT pg_try_advisory_lock($1)", PROCESS_LOCK)


@asynccontextmanager
async def _watcher(server: PostgresServer, name: str) -> AsyncIterator[Watcher]:
    connection = await asyncpg.connect(server.url_of(name))
    try:
        yield Watcher(connection, name)
    finally:
        await connection.close()


async def _cut(server: PostgresServer, pids: list[int]) -> None:
    for pid in pids:
        await server.execute(f"SELECT pg_terminate_backend({pid})")


@pytest.mark.anyio
@pytest.mark.promise("one-process")
async def test_right_whose_connection_was_lost_is_taken_again(postgres_server: PostgresServer, name: str, tmp_path: Path) -> None:
    url = postgres_server.url_of(name)
    async with _watcher(postgres_server, name) as watcher, open_sql(url, tmp_path) as store, open_sql(url, tmp_path) as second:
        with structlog.testing.capture_logs() as logs:
            async with store.database.only_process(wait_seconds=0):
                for _ in range(2):
                    before = await watcher.holders()
                    assert len(before) == 1
                    await _cut(postgres_server, before)
                    await watcher.replaced(before)
                with pytest.raises(ConfigurationError, match="in use by tianji, process"):
                    async with second.database.only_process(wait_seconds=0):
                        pytest.fail("two processes hold one database")
        assert await watcher.until(lambda found: not found) == []
    assert [entry["event"].split(";")[0] for entry in logs] == [
        "the connection that makes this process the only one is lost",
        "this process is the only one on its database again",
    ] * 2


@pytest.mark.anyio
@pytest.mark.promise("one-process")
async def test_process_that_was_overtaken_stops_and_says_by_whom(postgres_server: PostgresServer, name: str, tmp_path: Path) -> None:
    async with _watcher(postgres_server, name) as watcher, open_sql(postgres_server.url_of(name), tmp_path) as store:
        logged = structlog.testing.capture_logs()
        with logged as logs, anyio.fail_after(_SOON), pytest.raises(ConfigurationError, match="in use by"):
            async with store.database.only_process(wait_seconds=0):
                await _cut(postgres_server, await watcher.holders())
                await watcher.until(lambda found: not found)
                await watcher.take()
                await anyio.sleep_forever()
        assert [entry["log_level"] for entry in logs] == ["warning", "error"]
        assert "this one stops" in logs[-1]["event"]
        assert "in use by" in logs[-1]["reason"]


@pytest.mark.anyio
async def test_failure_of_the_block_leaves_it_as_it_is(postgres_server: PostgresServer, name: str, tmp_path: Path) -> None:
    cause = OSError("disk")
    async with open_sql(postgres_server.url_of(name), tmp_path) as store:
        with pytest.raises(DependencyUnavailableError, match="away") as failed:
            async with store.database.only_process(wait_seconds=0):
                raise DependencyUnavailableError("away") from cause
        assert failed.value.__cause__ is cause


@dataclass(slots=True)
class Network:
    """A way to the server that can break for the client alone: the server goes on believing in its connections."""

    port: int = 0
    streams: list[SocketStream] = field(default_factory=list)

    async def cut(self) -> None:
        """Break the connections that there are; later ones work."""
        for stream in self.streams:
            await stream.aclose()
        self.streams.clear()


@asynccontextmanager
async def _network(server_port: int) -> AsyncIterator[Network]:
    network = Network()

    async def pump(source: SocketStream, target: Callable[[bytes], Awaitable[None]]) -> None:
        try:
            async for data in source:
                await target(data)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return

    async def connect(client: SocketStream) -> None:
        network.streams.append(client)
        async with client, await anyio.connect_tcp("127.0.0.1", server_port) as server, anyio.create_task_group() as tasks:
            tasks.start_soon(pump, server, client.send)
            await pump(client, server.send)
            await anyio.sleep_forever()  # the server's end stays open

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        network.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.start_soon(listener.serve, connect)
        yield network
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
@pytest.mark.promise("one-process")
async def test_session_that_the_server_still_believes_in_is_ended_and_replaced(
    postgres_server: PostgresServer, name: str, tmp_path: Path
) -> None:
    url = make_url(postgres_server.url_of(name))
    assert url.port
    async with _watcher(postgres_server, name) as watcher, _network(url.port) as network:
        through = url.set(port=network.port).render_as_string(hide_password=False)
        async with open_sql(through, tmp_path) as store, store.database.only_process(wait_seconds=0):
            before = await watcher.holders()
            await network.cut()
            assert await watcher.holders() == before
            await watcher.replaced(before)
