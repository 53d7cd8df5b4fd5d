"""One partition a day on PostgreSQL: a week ahead, and on demand."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from support.postgres import PostgresServer
from support.stores import fresh_database, open_sql, record
from tianji_adapters.sql.partitions import is_partition, name_of
from tianji_adapters.sql.store import SqlStore

_THERE = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'spend_events'::regclass ORDER BY 1")


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@pytest.fixture
async def store(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[SqlStore]:
    """A database with our schema."""
    async with fresh_database(postgres_server, tmp_path) as url, open_sql(url, tmp_path) as opened:
        yield opened


async def _partitions(store: SqlStore) -> list[str]:
    async with store.database.engine.pool.connect() as connection:
        return list((await connection.execute(_THERE)).scalars())


def test_name_of_a_partition_is_known_again() -> None:
    assert name_of(date(2026, 1, 9)) == "spend_events_p20260109"
    assert is_partition("spend_events_p20260109")
    assert not any(is_partition(name) for name in ("spend_events", "spend_events_p2026", "spend_events_p20260109_x"))


@pytest.mark.anyio
async def test_upgrade_makes_today_and_the_next_seven_days(store: SqlStore) -> None:
    async with store.database.engine.pool.connect() as connection:
        today = (await connection.execute(text("SELECT (now() AT TIME ZONE 'UTC')::date"))).scalar_one()
    assert await _partitions(store) == [name_of(today + timedelta(days=ahead)) for ahead in range(8)]


@pytest.mark.anyio
async def test_partition_that_was_dropped_comes_back_with_the_next_start(store: SqlStore) -> None:
    before = await _partitions(store)
    async with store.database.engine.pool.begin() as connection:
        await connection.execute(text(f"DROP TABLE {before[3]}"))
    await store.database.upgrade()
    assert await _partitions(store) == before


@pytest.mark.anyio
async def test_day_without_a_partition_gets_one_from_the_flush(store: SqlStore) -> None:
    rows = [record(1, day=-400), record(2, day=400)]
    assert await store.spend.add(rows) == 2
    assert await store.spend.add(rows) == 0
    assert {name_of(row.day) for row in rows} <= set(await _partitions(store))


@pytest.mark.anyio
async def test_twenty_flushes_of_a_new_day_make_one_partition(store: SqlStore) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(store.spend.add, [record(number, day=500), record(number, day=501)])
    async with store.database.engine.pool.connect() as connection:
        count = (await connection.execute(text("SELECT count(*) FROM spend_events"))).scalar_one()
    assert count == 40
