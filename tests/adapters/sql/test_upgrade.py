"""The schema: one linear history on both engines, safe for many at once, and for versions that meet."""

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from support.postgres import PostgresServer
from support.stores import call_id_of, open_sql, record, virtual_key
from tianji_adapters.sql import migrations
from tianji_adapters.sql.addresses import parse
from tianji_adapters.sql.engine import open_engine
from tianji_adapters.sql.upgrade import HEAD, REVISIONS, check_schema, upgrade_to
from tianji_core.access.limits import Limits
from tianji_core.errors import ConfigurationError, DependencyUnavailableError
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.owners import lifetime_window
from tianji_core.ports.key_store import KeyFilter

_OLD_EVENT = """
INSERT INTO spend_events (day, call_id, seq, operation, surface, route, stream, status, http_status, started_at, ended_at, duration_ms,
  usage_source, cost_nano, cost_source, cache_hit, attempts)
VALUES ('2026-11-20', :call_id, 0, 'chat', 'openai.chat', '/v1/chat/completions', false, 'ok', 200, {instant}, {instant}, 12,
  'provider', 42, 'computed', false, {attempts})
"""
_OLD_KEY = """
INSERT INTO api_keys (id, hash, display, kind, alias, blocked, created_at, created_by, updated_at, updated_by, version)
VALUES ('old', 'hash', 'sk-...0001', 'default', 'ci', false, {instant}, 'admin', {instant}, 'admin', 1)
"""
_ATTEMPTS = {
    "none": ("[]", (0, 0)),
    "once": ('[{"model_group": "a"}]', (0, 0)),
    "retried": ('[{"model_group": "a"}, {"model_group": "a"}, {"model_group": "a"}]', (2, 0)),
    "fell back": ('[{"model_group": "a"}, {"model_group": "b"}]', (0, 1)),
    "both": ('[{"model_group": "a"}, {"model_group": "a"}, {"model_group": "b"}, {"model_group": "c"}]', (1, 2)),
}


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


async def _execute(url: str, data_dir: Path, *statements: str) -> None:
    async with open_sql(url, data_dir) as store, store.database.engine.pool.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


def test_history_is_one_line_that_the_code_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert [found.revision for found in script.walk_revisions()] == list(reversed(REVISIONS))
    assert script.get_heads() == [HEAD]
    assert len(script.get_bases()) == 1


@pytest.mark.anyio
async def test_migrations_make_exactly_the_tables_of_the_code(empty_sql_url: str, tmp_path: Path) -> None:
    async with open_sql(empty_sql_url, tmp_path) as store:
        assert await store.database.revision() is None
        await store.database.upgrade()
        assert await store.database.revision() == HEAD
    assert await check_schema(empty_sql_url) == ()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "change", ["ALTER TABLE api_keys ADD COLUMN extra INTEGER", "DROP INDEX ix_daily_usage_day_model", "CREATE TABLE extra (id INTEGER)"]
)
async def test_check_finds_what_differs(sql_url: str, tmp_path: Path, change: str) -> None:
    await _execute(sql_url, tmp_path, change)
    [difference] = await check_schema(sql_url)
    assert "extra" in difference or "ix_daily_usage_day_model" in difference


@pytest.mark.anyio
async def test_check_of_an_old_schema_says_so(empty_sql_url: str) -> None:
    await upgrade_to(empty_sql_url, "0001")
    assert await check_schema(empty_sql_url) != ()


@pytest.mark.anyio
async def test_second_revision_keeps_and_completes_the_data_of_the_first(empty_sql_url: str, tmp_path: Path) -> None:
    await upgrade_to(empty_sql_url, "0001")
    async with open_sql(empty_sql_url, tmp_path) as store:
        assert await store.database.revision() == "0001"
        is_postgres = store.database.engine.is_postgres
        instant = "timestamptz '2026-11-20 10:00Z'" if is_postgres else "1795168800000000"
        attempts = "CAST(:attempts AS jsonb)" if is_postgres else ":attempts"
        insert = text(_OLD_EVENT.format(instant=instant, attempts=attempts))
        async with store.database.engine.pool.begin() as connection:
            if is_postgres:
                await connection.execute(
                    text("CREATE TABLE a_day PARTITION OF spend_events FOR VALUES FROM ('2026-11-20') TO ('2026-11-21')")
                )
            await connection.execute(text(_OLD_KEY.format(instant=instant)))
            for name, (tried, _) in _ATTEMPTS.items():
                await connection.execute(insert, {"call_id": name, "attempts": tried})
        await store.database.upgrade()
        assert await store.database.revision() == HEAD
        async with store.database.engine.pool.connect() as connection:
            rows = await connection.execute(text("SELECT call_id, retries, fallbacks, client_call_id, cost_nano FROM spend_events"))
            assert {row.call_id: (row.retries, row.fallbacks) for row in rows} == {name: told for name, (_, told) in _ATTEMPTS.items()}
            total = (await connection.execute(text("SELECT sum(cost_nano) FROM spend_events WHERE client_call_id = ''"))).scalar_one()
        assert total == 42 * len(_ATTEMPTS)
        found = await store.keys.by_alias("ci")
        assert found is not None
        assert found.hash == "hash"


@pytest.mark.anyio
async def test_third_revision_limits_no_key_and_books_what_was_spent(empty_sql_url: str, tmp_path: Path) -> None:
    await upgrade_to(empty_sql_url, "0002")
    async with open_sql(empty_sql_url, tmp_path) as store:
        instant = "timestamptz '2026-11-20 10:00Z'" if store.database.engine.is_postgres else "1795168800000000"
        spent = "INSERT INTO lifetime_spend (scope, pk, cost_nano, adjust_nano) VALUES ('key', 'old', 42, -2)"
        await _execute(empty_sql_url, tmp_path, _OLD_KEY.format(instant=instant), spent)
        await store.database.upgrade()
        found = await store.keys.by_alias("ci")
        assert found is not None
        assert found.limits == Limits()
        await store.spend.add([record(1, nano=8, key_id="old")])
        asked = lifetime_window("old")
        assert await store.windows.window_spend([asked]) == {asked: WindowSpend(window=asked, spent_nano=50, adjusted_nano=-2)}
        (*_, windows) = await store.spend.reconcile(record(1).day, record(1).day, most=1)
        assert (windows.checked, windows.differing) == (1, 0)


@pytest.mark.anyio
async def test_worker_of_the_version_before_goes_on_writing_keys(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        limited = virtual_key(1, limits=Limits(max_budget_nano=5, tpm_part="input"))
        await store.keys.add(limited)
        instant = "timestamptz '2026-11-20 10:00Z'" if store.database.engine.is_postgres else "1795168800000000"
        await _execute(sql_url, tmp_path, _OLD_KEY.format(instant=instant), "UPDATE api_keys SET blocked = true, version = 2")
        found = {key.id: key.limits for key in (await store.keys.page(KeyFilter(), page=1, size=5)).keys}
        assert found == {limited.id: limited.limits, "old": Limits()}


@pytest.mark.anyio
async def test_worker_of_the_version_before_goes_on_writing(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        await store.spend.add([record(1)])
        new_columns = ("client_call_id", "retries", "fallbacks")
        async with store.database.engine.pool.begin() as connection:
            names = (await connection.execute(text("SELECT * FROM spend_events"))).keys()
            old = ", ".join(name for name in names if name not in {*new_columns, "call_id"})
            copy = f"INSERT INTO spend_events (call_id, {old}) SELECT :call_id, {old} FROM spend_events"  # noqa: S608  # our own names
            await connection.execute(text(copy), {"call_id": call_id_of(2)})
            rows = await connection.execute(text("SELECT client_call_id, retries, fallbacks FROM spend_events"))
            assert [tuple(row) for row in rows] == [("", 0, 0)] * 2


@pytest.mark.anyio
@pytest.mark.parametrize("start", [None, "0001", "0002"], ids=["empty", "old", "last"])
async def test_twenty_upgrades_at_once_leave_one_correct_schema(empty_sql_url: str, tmp_path: Path, start: str | None) -> None:
    if start is not None:
        await upgrade_to(empty_sql_url, start)

    async def upgrade() -> None:
        async with open_sql(empty_sql_url, tmp_path) as store:
            await store.database.upgrade()
            await store.settings.put_if_absent("note", "usable")

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(upgrade)
    assert await check_schema(empty_sql_url) == ()


@pytest.mark.anyio
async def test_newer_database_that_serves_this_version_is_left_as_it_is(sql_url: str, tmp_path: Path) -> None:
    await _execute(sql_url, tmp_path, "UPDATE alembic_version SET version_num = '0999'")
    async with open_sql(sql_url, tmp_path) as store:
        await store.database.upgrade()
        assert await store.database.revision() == "0999"
        await store.keys.add(virtual_key(1))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "compatible_since",
    [
        "UPDATE settings SET value = '0998' WHERE name = 'schema.compatible_since'",
        "DELETE FROM settings WHERE name = 'schema.compatible_since'",
    ],
    ids=["later", "unknown"],
)
async def test_newer_database_that_does_not_serve_this_version_is_refused(sql_url: str, tmp_path: Path, compatible_since: str) -> None:
    await _execute(sql_url, tmp_path, "UPDATE alembic_version SET version_num = '0999'", compatible_since)
    async with open_sql(sql_url, tmp_path) as store:
        with pytest.raises(ConfigurationError, match="0999") as refused:
            await store.database.upgrade()
    assert refused.value.hint


@pytest.mark.anyio
async def test_failed_migration_leaves_the_schema_as_it_was(empty_sql_url: str, tmp_path: Path) -> None:
    await upgrade_to(empty_sql_url, "0001")
    await _execute(empty_sql_url, tmp_path, "CREATE INDEX ix_spend_events_client_call_id ON spend_events (trace_id)")
    async with open_sql(empty_sql_url, tmp_path) as store:
        with pytest.raises(DependencyUnavailableError, match="bring its schema"):
            await store.database.upgrade()
        assert await store.database.revision() == "0001"
    await _execute(empty_sql_url, tmp_path, "DROP INDEX ix_spend_events_client_call_id")
    async with open_sql(empty_sql_url, tmp_path) as store:
        await store.database.upgrade()
    assert await check_schema(empty_sql_url) == ()


@pytest.mark.anyio
async def test_connection_that_changes_the_schema_waits_without_end(postgres_server: PostgresServer) -> None:
    engine = open_engine(parse(postgres_server.url), patient=True)
    async with engine.pool.connect() as connection:
        assert (await connection.execute(text("SHOW statement_timeout"))).scalar_one() == "0"
    await engine.close()


def test_start_on_a_current_schema_does_not_import_alembic(tmp_path: Path, sqlite_file: Path) -> None:
    (tmp_path / "x.db").write_bytes(sqlite_file.read_bytes())
    program = (
        "import sys, anyio\n"
        "from tianji_adapters.sql.store import open_store\n"
        "store = open_store(sys.argv[1], sys.argv[2])\n"
        "anyio.run(store.database.upgrade)\n"
        "anyio.run(store.database.close)\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, f"sqlite:///{tmp_path / 'x.db'}", str(tmp_path)], check=False)
    assert done.returncode == 0
