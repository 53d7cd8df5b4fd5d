"""One process owns one database: who is refused learns who holds it, and a killed holder holds nothing."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from support.postgres import PostgresServer
from support.stores import open_sql
from tianji_core.errors import ConfigurationError

_HOLD = """
import sys, anyio
from tianji_adapters.sql.store import open_store

async def main():
    store = open_store(sys.argv[1], sys.argv[2])
    async with store.database.only_process(wait_seconds=0):
        print("held", flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@contextmanager
def _held_by_another_process(url: str, data_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", _HOLD, url, str(data_dir)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.anyio
async def test_refused_process_learns_which_one_holds_the_database(sql_url: str, tmp_path: Path) -> None:
    with _held_by_another_process(sql_url, tmp_path) as holder:
        async with open_sql(sql_url, tmp_path) as store:
            with pytest.raises(ConfigurationError) as refused:
                async with store.database.only_process(wait_seconds=0):
                    pytest.fail("two processes hold one database")
    message = str(refused.value)
    assert f"process {holder.pid} on {socket.gethostname()}"[:50] in message
    assert "TIANJI_DATA_DIR" in message
    assert "tianji:" not in message


@pytest.mark.anyio
async def test_killed_holder_holds_nothing(sql_url: str, tmp_path: Path) -> None:
    with _held_by_another_process(sql_url, tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        async with open_sql(sql_url, tmp_path) as store, store.database.only_process(wait_seconds=10):
            assert await store.settings.get("note") is None


@pytest.mark.anyio
async def test_holder_uses_its_database_as_ever(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store, store.database.only_process(wait_seconds=0):
        assert await store.settings.put_if_absent("note", "x") == "x"


@pytest.mark.anyio
async def test_two_data_directories_do_not_share_one_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    async with open_sql(url, tmp_path / "a") as one, open_sql(url, tmp_path / "b") as two, one.database.only_process(wait_seconds=0):
        with pytest.raises(ConfigurationError, match="in use"):
            async with two.database.only_process(wait_seconds=0):
                pytest.fail("two processes hold one database")


@pytest.mark.anyio
async def test_two_databases_of_one_server_are_held_apart(postgres_server: PostgresServer, tmp_path: Path) -> None:
    names = [await postgres_server.create_database(empty=True) for _ in range(2)]
    first, second = (postgres_server.url_of(name) for name in names)
    async with (
        open_sql(first, tmp_path) as one,
        open_sql(second, tmp_path) as two,
        one.database.only_process(wait_seconds=0),
        two.database.only_process(wait_seconds=0),
    ):
        await two.database.ping()
    for name in names:
        await postgres_server.drop_database(name)


@pytest.mark.anyio
async def test_waiting_can_be_cancelled(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as one, open_sql(sql_url, tmp_path) as two:
        async with one.database.only_process(wait_seconds=0):
            with anyio.move_on_after(0.3) as scope:
                async with two.database.only_process(wait_seconds=60):
                    pytest.fail("two processes hold one database")
            assert scope.cancelled_caught
        async with two.database.only_process(wait_seconds=5):
            pass


@pytest.mark.anyio
async def test_lock_in_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file in the way")
    async with open_sql(f"sqlite:///{tmp_path / 'x.db'}", tmp_path) as store:
        with pytest.raises(ConfigurationError, match="lock file"):
            async with store.database.only_process(wait_seconds=0):
                pytest.fail("nothing was held")


@pytest.mark.anyio
async def test_lock_file_names_its_holder_and_is_for_its_owner_only(tmp_path: Path) -> None:
    async with open_sql(f"sqlite:///{tmp_path / 'x.db'}", tmp_path) as store, store.database.only_process(wait_seconds=0):
        assert f"process {os.getpid()}" in await anyio.Path(tmp_path / "run" / "lock").read_text()
        assert (await anyio.Path(tmp_path / "run").stat()).st_mode & 0o777 == 0o700
