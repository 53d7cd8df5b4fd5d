"""What the ledger and its totals hold in SQL."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from sqlalchemy import Table, func, select, text

from support.limits import window_of
from support.stores import NOW_NS, open_sql, record
from tianji_adapters.sql.store import SqlStore
from tianji_adapters.sql.tables import (
    MEASURES,
    budget_windows,
    daily_usage,
    daily_usage_end_user,
    daily_usage_tag,
    lifetime_spend,
    spend_events,
)
from tianji_core.access.keys import KeyId
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import Attempt, EventError
from tianji_core.calls.usage import Usage
from tianji_core.errors import DependencyUnavailableError
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.record import SpendRecord

_FULL = record(
    7,
    revision=2,
    trace_id="trace",
    client_call_id="mine",
    session_id="session",
    response_id="chatcmpl-1",
    provider_request_id="req_1",
    stream=True,
    model_response="gpt-5-nano-2026",
    deployment_id="d1",
    server_address="api.openai.com",
    upstream_started_at_ns=NOW_NS + 1_000,
    first_chunk_at_ns=NOW_NS + 2_000,
    upstream_ended_at_ns=NOW_NS + 3_000,
    key_hash="ab" * 32,
    key_alias="ci",
    user_id="u",
    team_id="t",
    organization_id="o",
    end_user_id="eve",
    tags=("a", "b"),
    metadata={"ratio": Decimal("0.10"), "deep": {"list": [1, None]}},
    client_ip="10.0.0.1",
    user_agent="sdk",
    usage=Usage(
        input_text=10,
        cache_read=20,
        cache_write_5m=3,
        output_text=5,
        reasoning=4,
        accepted_prediction=0,
        units={"web_searches": 2},
        reported_cost_usd=Decimal("0.000123"),
        service_tier="flex",
        region="eu",
        speed="fast",
        rest={"queue_time": Decimal("0.02")},
    ),
    usage_source="estimated",
    cost=Cost(
        total_nano=100,
        list_nano=110,
        input_nano=40,
        cache_read_nano=10,
        output_nano=50,
        reasoning_nano=20,
        source="custom",
        basis={"entry": "x"},
    ),
    pricing_version="2026-11",
    status="error",
    http_status=502,
    finish_reasons=("stop",),
    error=EventError(type="UpstreamProtocolError", code="upstream_protocol_error", message="m", source="upstream"),
    attempts=(
        Attempt(
            number=1,
            deployment_id="d1",
            provider="openai",
            model_group="fast",
            model="m",
            started_at_ns=1,
            ended_at_ns=2,
            outcome="unbilled",
            error=EventError(type="UpstreamTimeoutError"),
        ),
    ),
    retries=1,
    fallbacks=2,
    dropped_params=("seed",),
    warnings=("slow",),
    cache_hit=True,
)
_SAME_NAME = (
    *("trace_id", "client_call_id", "session_id", "response_id", "provider_request_id", "operation", "surface", "route", "stream"),
    *("model_asked", "model_group", "model", "model_response", "provider", "deployment_id", "server_address", "status", "http_status"),
    *("user_id", "team_id", "organization_id", "end_user_id", "metadata", "client_ip", "user_agent", "usage_source"),
    *("pricing_version", "retries", "fallbacks", "cache_hit"),
)
_AWKWARD: tuple[dict[str, Any], ...] = (
    {"metadata": {"zero": "a\0b", "half": "\ud800", "\0": 1, "huge": Decimal("1e9999"), "none": Decimal("NaN")}},
    {"user_agent": "\0", "end_user_id": "e" * 100_000, "session_id": "\udfff" * 9_000, "client_call_id": "ü" * 5_000},
    {"tags": ("t" * 100_000, "\0", "")},
    {"usage": Usage(input_text=2**64 - 1, output_text=2**63, units={"web_searches": 2**63})},
    {"cost": Cost(total_nano=2**70, list_nano=2**70, input_nano=2**70)},
    dict.fromkeys(("key_id", "user_id", "team_id", "organization_id", "model_group", "model", "provider"), "é" * 1000),
)


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


async def _rows(store: SqlStore, table: Table) -> list[dict[str, object]]:
    async with store.database.engine.pool.connect() as connection:
        found = await connection.execute(select(table).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]


async def _sum(store: SqlStore, table: Table, column: str) -> int:
    async with store.database.engine.pool.connect() as connection:
        return int((await connection.execute(select(func.coalesce(func.sum(table.c[column]), 0)))).scalar_one())


@pytest.mark.anyio
async def test_row_tells_everything_that_the_record_knows(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        await store.spend.add([_FULL])
        [row] = await _rows(store, spend_events)
    event, usage = _FULL.event, _FULL.usage
    assert (row["day"], row["call_id"], row["seq"], row["revision"]) == (_FULL.day, event.call_id, 0, 2)
    assert {name: row[name] for name in _SAME_NAME} == {name: getattr(event, name) for name in _SAME_NAME}
    lists = ("tags", "finish_reasons", "dropped_params", "warnings")
    assert {name: row[name] for name in lists} == {name: list(getattr(event, name)) for name in lists}
    instants = ("started_at", "upstream_started_at", "first_chunk_at", "upstream_ended_at", "ended_at")
    assert {name: row[name] for name in instants} == {name: getattr(event, f"{name}_ns") for name in instants}
    assert (row["api_key_id"], row["api_key_hash"], row["api_key_alias"], row["duration_ms"]) == ("key-1", "ab" * 32, "ci", 250)
    assert (row["error_type"], row["error_code"], row["error_source"]) == ("UpstreamProtocolError", "upstream_protocol_error", "upstream")
    assert (row["input_text_tokens"], row["cache_read_tokens"], row["accepted_prediction_tokens"]) == (10, 20, 0)
    assert row["output_audio_tokens"] is None
    assert (row["units"], row["usage_rest"], row["reported_cost_usd"]) == (usage.units, usage.rest, "0.000123")
    assert (row["service_tier"], row["region"], row["speed"]) == ("flex", "eu", "fast")
    assert (row["cost_nano"], row["cost_source"]) == (100, "custom")
    assert msgspec.convert({**row["cost_breakdown"], "total_nano": 100, "source": "custom"}, Cost) == _FULL.cost  # type: ignore[dict-item]
    assert msgspec.convert(row["attempts"], tuple[Attempt, ...]) == event.attempts


@pytest.mark.anyio
async def test_totals_are_the_sum_of_the_ledger(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        await store.spend.add([_FULL, record(1, tags=("a",), end_user_id="eve")])
        await store.spend.add([record(2, tags=("a", "c")), _FULL, record(2, seq=1, nano=3)])
        [large, small] = sorted(await _rows(store, daily_usage), key=lambda row: str(row["team_id"]), reverse=True)
        assert (small["requests"], small["cost_nano"], small["prompt_tokens"]) == (2, 2_003, 30)
        assert (large["requests"], large["ok"], large["failed"], large["latency_ms_sum"], large["latency_n"]) == (1, 0, 1, 250, 1)
        assert (large["prompt_tokens"], large["cache_write_tokens"], large["reasoning_tokens"]) == (33, 3, 4)
        assert (large["cost_output_nano"], large["cost_reasoning_nano"]) == (30, 20)
        assert await _sum(store, daily_usage, "cost_nano") == await _sum(store, spend_events, "cost_nano") == 2_103
        assert await _sum(store, lifetime_spend, "cost_nano") == 2_103
        assert {row["tag"]: row["requests"] for row in await _rows(store, daily_usage_tag)} == {"a": 3, "b": 1, "c": 1}
        assert await _sum(store, daily_usage_end_user, "requests") == 2


@pytest.mark.anyio
async def test_units_add_up_by_name(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        for number, units in enumerate(({}, {"web_searches": 2}, {"pages": 5}, {"web_searches": 1, "pages": 1})):
            await store.spend.add([record(number, usage=Usage(units=units))])
        [row] = await _rows(store, daily_usage)
        assert row["units"] == {"web_searches": 3, "pages": 6}


@pytest.mark.anyio
@pytest.mark.parametrize("changes", _AWKWARD, ids=range(len(_AWKWARD)))
async def test_no_record_can_stop_the_ledger(sql_url: str, tmp_path: Path, changes: dict[str, Any]) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        assert await store.spend.add([record(1), record(2, **changes), record(3)]) == 3
        assert await store.spend.add([record(2, **changes), record(4, **changes)]) == 1
        assert await _sum(store, daily_usage, "requests") == 4


@pytest.mark.anyio
@pytest.mark.parametrize("broken", [daily_usage, daily_usage_end_user, daily_usage_tag, lifetime_spend, budget_windows], ids=str)
async def test_failure_of_any_table_stores_nothing_and_a_repetition_everything_once(sql_url: str, tmp_path: Path, broken: Table) -> None:
    batch = [record(1, end_user_id="eve", tags=("a",)), record(2, windows=(window_of("key-1", 0, 1_000_000),))]
    async with open_sql(sql_url, tmp_path) as store:
        await _run(store, f"ALTER TABLE {broken} RENAME TO elsewhere")
        with pytest.raises(DependencyUnavailableError):
            await store.spend.add(batch)
        await _run(store, f"ALTER TABLE elsewhere RENAME TO {broken}")
        assert await _rows(store, spend_events) == []
        assert await store.spend.key_spend_nano([KeyId("key-1")]) == {"key-1": 0}
        assert await store.spend.add(batch) == 2
        assert await store.spend.add(batch) == 0
        assert await _sum(store, daily_usage, "cost_nano") == await _sum(store, lifetime_spend, "cost_nano") == 2_000
        assert await _sum(store, budget_windows, "spent_nano") == 2_000


@pytest.mark.anyio
async def test_many_writers_keep_every_total_exact(sql_url: str, tmp_path: Path) -> None:
    def batch(first: int) -> list[SpendRecord]:
        return [
            record(n, day=n % 2, key_id=f"k{n % 5}", model=f"m{n % 3}", tags=(f"t{n % 2}",), nano=n, windows=windows(n))
            for n in range(first, first + 30)
        ]

    def windows(n: int) -> tuple[BudgetWindow, ...]:
        return (window_of(f"k{n % 5}", (n % 4 + 1) * 1_000, (n % 4 + 2) * 1_000),) if n % 3 else ()

    async with open_sql(sql_url, tmp_path) as one, open_sql(sql_url, tmp_path) as two, anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon((one if number % 2 else two).spend.add, batch(number * 7)[:: 1 if number % 3 else -1])
    async with open_sql(sql_url, tmp_path) as store:
        expected = sum(range(19 * 7 + 30))
        tables = (spend_events, daily_usage, daily_usage_tag, lifetime_spend)
        assert [await _sum(store, table, "cost_nano") for table in tables] == [expected] * 4
        assert await _sum(store, budget_windows, "spent_nano") == expected
        assert len(await _rows(store, budget_windows)) == 5 * (4 + 1)


def test_measures_are_the_columns_of_every_daily_table_beside_its_key() -> None:
    for table in (daily_usage, daily_usage_end_user, daily_usage_tag):
        assert {column.name for column in table.columns} - {column.name for column in table.primary_key} == {*MEASURES, "units"}


async def _run(store: SqlStore, statement: str) -> None:
    async with store.database.engine.pool.begin() as connection:
        await connection.execute(text(statement))
