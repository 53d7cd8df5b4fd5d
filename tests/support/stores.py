"""Every adapter of the storage ports behind one face, and values to put into them."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import msgspec
from sqlalchemy import select

from support.postgres import PostgresServer
from tianji_adapters.memory.database import MemoryDatabase
from tianji_adapters.memory.key_store import MemoryKeyStore
from tianji_adapters.memory.settings_store import MemorySettingsStore
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_adapters.sql.store import SqlStore, open_store
from tianji_adapters.sql.tables import deleted_entities
from tianji_core.access.keys import KeyId, VirtualKey, display_key, hash_key
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent
from tianji_core.calls.usage import Usage
from tianji_core.limits.windows import BudgetWindow
from tianji_core.ports.database import Database
from tianji_core.ports.key_store import KeyStore
from tianji_core.ports.settings_store import SettingsStore
from tianji_core.ports.spend_store import SpendStore
from tianji_core.ports.window_store import WindowStore
from tianji_core.spend.record import SpendRecord

NOW_NS = 1_795_000_000_000_000_000
_NS_PER_MS = 1_000_000

SqlSource = Path | PostgresServer
"""A migrated SQLite file to copy, or a server with a migrated template."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The ports of one database. `again` opens the database once more, as another process would."""

    database: Database
    keys: KeyStore
    spend: SpendStore
    windows: WindowStore
    settings: SettingsStore
    deleted_keys: Callable[[], Awaitable[dict[str, str]]]
    again: Callable[[], Database]


@asynccontextmanager
async def memory_stores() -> AsyncIterator[Stores]:
    """Return stores in memory."""
    keys, database, spend = MemoryKeyStore(), MemoryDatabase(), MemorySpendStore()

    async def deleted_keys() -> dict[str, str]:
        return {gone.key.id: gone.deleted_by for gone in keys.deleted}

    yield Stores(
        database=database,
        keys=keys,
        spend=spend,
        windows=spend.windows,
        settings=MemorySettingsStore(),
        deleted_keys=deleted_keys,
        again=lambda: database,
    )


@asynccontextmanager
async def sql_stores(url: str, data_dir: Path) -> AsyncIterator[Stores]:
    """Return the stores of a database that has its schema."""
    opened: list[Database] = []

    def again() -> Database:
        opened.append(open_store(url, str(data_dir)).database)
        return opened[-1]

    async with open_sql(url, data_dir) as store:
        yield Stores(
            database=store.database,
            keys=store.keys,
            spend=store.spend,
            windows=store.windows,
            settings=store.settings,
            deleted_keys=lambda: _deleted_keys(store),
            again=again,
        )
        for database in opened:
            await database.close()


@asynccontextmanager
async def open_sql(url: str, data_dir: Path) -> AsyncIterator[SqlStore]:
    """Return the ports of a database and close it afterwards."""
    store = open_store(url, str(data_dir))
    try:
        yield store
    finally:
        await store.database.close()


@asynccontextmanager
async def fresh_database(source: SqlSource, data_dir: Path, *, empty: bool = False) -> AsyncIterator[str]:
    """Return the URL of a database that nobody else uses, with our schema unless it shall be empty."""
    if isinstance(source, Path):
        if not empty:
            shutil.copyfile(source, data_dir / "tianji.db")
        yield f"sqlite:///{data_dir / 'tianji.db'}"
        return
    name = await source.create_database(empty=empty)
    try:
        yield source.url_of(name)
    finally:
        await source.drop_database(name)


@asynccontextmanager
async def borrowed_database(source: SqlSource, data_dir: Path) -> AsyncIterator[str]:
    """Return the URL of an empty database for someone who leaves its schema as it is."""
    if isinstance(source, Path):
        async with fresh_database(source, data_dir) as url:
            yield url
        return
    name = await source.borrow_database()
    yield source.url_of(name)
    await source.give_back(name)


@contextmanager
def sqlite_template() -> Iterator[Path]:
    """Return an SQLite file with our schema, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="tianji-sqlite-"))

    async def make() -> None:
        async with open_sql(f"sqlite:///{folder / 'template.db'}", folder) as store:
            await store.database.upgrade()

    try:
        anyio.run(make)
        # The last connection that closes writes everything back into the one file.
        yield folder / "template.db"
    finally:
        shutil.rmtree(folder)


async def _deleted_keys(store: SqlStore) -> dict[str, str]:
    async with store.database.engine.pool.connect() as connection:
        rows = await connection.execute(select(deleted_entities).where(deleted_entities.c.kind == "key"))
        return {msgspec.convert(row.row, VirtualKey).id: row.deleted_by for row in rows}


def call_id_of(number: int, *, day: int = 0) -> str:
    """Return a UUIDv7 of the day `day` days after the tests' own one."""
    milliseconds = NOW_NS // _NS_PER_MS + day * 86_400_000 + number
    digits = f"{milliseconds:012x}7{number % 0x1000:03x}8{number:015x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def virtual_key(number: int, **changes: Any) -> VirtualKey:
    """Return a key whose secret is known to nobody; the higher its number, the newer."""
    key = VirtualKey(
        id=KeyId(call_id_of(number)),
        hash=hash_key(f"sk-test-{number}"),
        display=display_key(f"sk-test-{number:04}"),
        created_at_ns=NOW_NS + number * _NS_PER_MS,
        created_by="admin",
        updated_at_ns=NOW_NS + number * _NS_PER_MS,
        updated_by="admin",
    )
    return msgspec.structs.replace(key, **changes)


def record(
    number: int, *, seq: int = 0, day: int = 0, nano: int = 1_000, windows: tuple[BudgetWindow, ...] = (), **changes: Any
) -> SpendRecord:
    """Return a record of a call that went well and cost `nano`."""
    started_ns = NOW_NS + day * 86_400_000 * _NS_PER_MS
    event = CallEvent(
        call_id=call_id_of(number, day=day),
        operation="chat",
        surface="openai.chat",
        route="/v1/chat/completions",
        model_asked="fast",
        model_group="fast",
        model="gpt-5-nano",
        provider="openai",
        started_at_ns=started_ns,
        ended_at_ns=started_ns + 250 * _NS_PER_MS,
        key_id="key-1",
        usage=Usage(input_text=10, output_text=5),
        usage_source="provider",
        cost=Cost(total_nano=nano, list_nano=nano, input_nano=nano, source="computed"),
        status="ok",
        http_status=200,
    )
    return SpendRecord(seq=seq, event=msgspec.structs.replace(event, **changes), windows=windows)
