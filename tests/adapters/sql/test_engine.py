"""Transactions: settings of the engines, what is tried again, what a failure leaves behind."""

import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from support.postgres import PostgresServer
from support.stores import open_sql, record, virtual_key
from tianji_adapters.sql.store import open_store
from tianji_adapters.sql.tables import api_keys
from tianji_core.access.keys import KeyId
from tianji_core.errors import ConfigurationError, ConflictError, DependencyUnavailableError, InvalidRequestError
from tianji_core.ports.key_store import KeyFilter


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


async def _ask(url: str, data_dir: Path, *statements: str) -> list[object]:
    async def work(connection: AsyncConnection) -> list[object]:
        return [(await connection.execute(text(statement))).scalar_one() for statement in statements]

    async with open_sql(url, data_dir) as store:
        return await store.database.engine.write("be asked", work)


@pytest.mark.anyio
async def test_sqlite_keeps_what_it_confirmed_and_waits_for_others(tmp_path: Path) -> None:
    names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    settings = await _ask(f"sqlite:///{tmp_path / 'new' / 'x.db'}", tmp_path, *(f"PRAGMA {name}" for name in names))
    assert dict(zip(names, settings, strict=True)) == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000, "foreign_keys": 1}


@pytest.mark.anyio
async def test_postgres_ends_what_hangs(postgres_server: PostgresServer, tmp_path: Path) -> None:
    names = ("statement_timeout", "idle_in_transaction_session_timeout", "TimeZone")
    settings = await _ask(postgres_server.url_of(postgres_server.template), tmp_path, *(f"SHOW {name}" for name in names))
    assert settings == ["10s", "10s", "UTC"]


@pytest.mark.anyio
async def test_passing_failure_is_tried_again_from_the_start(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        attempts = 0

        async def work(connection: AsyncConnection) -> int:
            nonlocal attempts
            attempts += 1
            await connection.execute(text("INSERT INTO settings VALUES ('note', 'once')"))
            if attempts < 5:
                raise ConflictError("another came first", code="again")
            return int((await connection.execute(text("SELECT count(*) FROM settings WHERE name = 'note'"))).scalar_one())

        assert await store.database.engine.write("try", work, again=lambda error: isinstance(error, ConflictError)) == 1
        assert attempts == 5


@pytest.mark.anyio
async def test_failure_that_stays_is_told_after_five_tries(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        attempts = 0

        async def work(_: AsyncConnection) -> None:
            nonlocal attempts
            attempts += 1
            raise ConflictError("another came first")

        with pytest.raises(ConflictError):
            await store.database.engine.write("try", work, again=lambda _: True)
        assert attempts == 5


@pytest.mark.anyio
async def test_deadlock_of_two_writers_ends_well(postgres_server: PostgresServer, tmp_path: Path) -> None:
    name = await postgres_server.create_database()
    async with open_sql(postgres_server.url_of(name), tmp_path) as store:
        for number in (1, 2):
            await store.keys.add(virtual_key(number))
        both_hold_one = [anyio.Event(), anyio.Event()]
        runs = [0, 0]

        async def lock(connection: AsyncConnection, number: int) -> None:
            await connection.execute(select(api_keys.c.id).where(api_keys.c.id == virtual_key(number).id).with_for_update())

        async def crosswise(me: int) -> None:
            async def work(connection: AsyncConnection) -> None:
                runs[me] += 1
                await lock(connection, 1 + me)
                both_hold_one[me].set()
                await both_hold_one[1 - me].wait()
                await lock(connection, 2 - me)

            await store.database.engine.write("lock", work)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crosswise, 0)
            tasks.start_soon(crosswise, 1)
    assert sorted(runs) == [1, 2]
    await postgres_server.drop_database(name)


@pytest.mark.anyio
async def test_reader_does_not_wait_for_a_writer_and_sees_nothing_half_done(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as first, open_sql(sql_url, tmp_path) as second:

        async def hold(connection: AsyncConnection) -> None:
            await connection.execute(text("INSERT INTO settings VALUES ('note', 'held')"))
            assert await second.settings.get("note") is None

        await first.database.engine.write("hold", hold)
        assert await second.settings.get("note") == "held"


@pytest.mark.anyio
async def test_cancelled_write_leaves_nothing_and_the_store_goes_on(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(text("INSERT INTO settings VALUES ('note', 'cut')"))
            scope.cancel()
            await anyio.sleep_forever()

        with anyio.CancelScope() as scope:
            await store.database.engine.write("be cut", work)
        assert scope.cancelled_caught
        assert await store.settings.put_if_absent("note", "whole") == "whole"
        assert await store.spend.add([record(1)]) == 1


_CANCELLED_USES = """
import random, sys, warnings
import anyio
from tianji_adapters.sql.store import open_store

warnings.simplefilter("error")
url, data_dir, backend, seed = sys.argv[1:]
rng = random.Random(seed)


async def use(store, number):
    async def held(connection):
        await connection.exec_driver_sql("SELECT 1")
        await anyio.sleep_forever()

    kinds = (
        store.database.ping,
        lambda: store.settings.put_if_absent(str(number), "x"),
        lambda: store.settings.get("x"),
        lambda: store.database.engine.write("be held", held),
    )
    with anyio.move_on_after(rng.choice((0, 0.001, 0.004, 0.02)) * rng.random()):
        await rng.choice(kinds)()


async def main():
    for turn in range(4):
        store = open_store(url, data_dir)
        async with anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(use, store, number)
            if turn % 2:
                await anyio.sleep(0.02 * rng.random())
                tasks.cancel_scope.cancel()
        assert await store.settings.put_if_absent("after", "usable") == "usable"
        with anyio.CancelScope() as scope:
            if turn % 2:
                scope.cancel()
            await store.database.close()
    print("cancelled")


anyio.run(main, backend_options={"use_uvloop": backend == "uvloop"})
"""


@pytest.mark.anyio
@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.parametrize("backend", ["asyncio", "uvloop"])
async def test_process_ends_however_its_uses_were_cancelled(sql_url: str, tmp_path: Path, backend: str, seed: str) -> None:
    command = [sys.executable, "-c", _CANCELLED_USES, sql_url, str(tmp_path), backend, seed]
    with anyio.fail_after(30):
        done = await anyio.run_process(command, check=False, stderr=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, b"cancelled\n"), done.stderr.decode()
    if sql_url.startswith("sqlite"):
        assert done.stderr == b""


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["postgresql://tianji:secret-word@127.0.0.1:1/tianji"])
async def test_database_that_is_away_is_unavailable_and_its_password_stays_secret(url: str, tmp_path: Path) -> None:
    async with open_sql(url, tmp_path) as store:
        asks: list[Callable[[], Awaitable[object]]] = [
            store.database.ping,
            store.database.upgrade,
            lambda: store.keys.by_id(KeyId("x")),
            lambda: store.spend.add([record(1)]),
            lambda: store.settings.get("x"),
        ]
        for ask in asks:
            with pytest.raises(DependencyUnavailableError) as away:
                await ask()
            assert "secret-word" not in "".join(traceback.format_exception(away.value))
        with pytest.raises(DependencyUnavailableError):
            async with store.database.only_process(wait_seconds=0):
                pytest.fail("nothing was held")


@pytest.mark.anyio
async def test_wrong_password_is_unavailable(postgres_server: PostgresServer, tmp_path: Path) -> None:
    user, _, rest = postgres_server.url.rpartition("@")
    async with open_sql(f"{user}wrong@{rest}", tmp_path) as store:
        with pytest.raises(DependencyUnavailableError, match="28P01"):
            await store.database.ping()


@pytest.mark.anyio
async def test_missing_schema_is_unavailable_and_no_value_is_told(empty_sql_url: str, tmp_path: Path) -> None:
    async with open_sql(empty_sql_url, tmp_path) as store:
        with pytest.raises(DependencyUnavailableError) as missing:
            await store.keys.by_alias("secret-word")
        assert "secret-word" not in str(missing.value)
        with pytest.raises(DependencyUnavailableError):
            await store.keys.page(KeyFilter(), page=1, size=1)


@pytest.mark.anyio
async def test_value_that_no_column_holds_is_refused_and_not_told(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await _ask(postgres_server.url_of(postgres_server.template), tmp_path, "SELECT CAST('secret-word' AS integer)")
    assert "22P02" in refused.value.message
    assert "secret-word" not in str(refused.value)


@pytest.mark.anyio
async def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    async with open_sql(f"sqlite:///{tmp_path / 'x.db'}", tmp_path) as store:
        with pytest.raises(DependencyUnavailableError):
            await store.database.ping()


@pytest.mark.anyio
async def test_server_that_drops_every_connection_is_found_again(postgres_server: PostgresServer, tmp_path: Path) -> None:
    name = await postgres_server.create_database()
    async with open_sql(postgres_server.url_of(name), tmp_path) as store:
        await store.database.ping()
        await postgres_server.end_connections(name)
        await store.database.ping()
    await postgres_server.drop_database(name)


def test_address_that_cannot_be_used_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        open_store("mysql://h/db", str(tmp_path))
