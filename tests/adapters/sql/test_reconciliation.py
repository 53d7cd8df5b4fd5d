"""Totals that do not agree are found, on both engines."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from support.limits import window_of
from support.stores import open_sql, record
from tianji_adapters.sql.store import SqlStore
from tianji_core.spend.comparisons import Comparison, Difference

DAY = record(1).day
US = 1_000
WINDOW = window_of("key-1", 10 * US, 20 * US)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


async def _compared(store: SqlStore, *statements: str, most: int = 10) -> tuple[Comparison, ...]:
    await store.spend.add(
        [
            record(1, nano=5, windows=(WINDOW,)),
            record(2, nano=7, key_id="key-2"),
            record(3, nano=11, key_id="key-3", day=1),
            record(4, nano=13, key_id=None),
        ]
    )
    async with store.database.engine.pool.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    return await store.spend.reconcile(DAY, DAY + timedelta(days=1), most=most)


async def test_ledger_that_differs_from_its_daily_totals_is_told_by_day_and_key(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        daily, lifetime, windows = await _compared(
            store,
            "UPDATE spend_events SET cost_nano = 6 WHERE api_key_id = 'key-1'",
            "DELETE FROM spend_events WHERE api_key_id = ''",
        )
    expected = (
        Difference(owner="", day=DAY, expected_nano=0, found_nano=13),
        Difference(owner="key-1", day=DAY, expected_nano=6, found_nano=5),
    )
    assert daily == Comparison(pair="daily_totals", checked=4, differing=2, differences=expected)
    assert (lifetime.differing, windows.differing) == (0, 0)


async def test_daily_totals_that_differ_from_the_lifetime_are_told_by_key(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        daily, lifetime, windows = await _compared(
            store,
            "UPDATE lifetime_spend SET cost_nano = cost_nano + 1 WHERE pk = 'key-2'",
            "UPDATE budget_windows SET spent_nano = spent_nano + 1 WHERE scope = 'k:key-2'",
        )
    assert lifetime == Comparison(
        pair="lifetime", checked=3, differing=1, differences=(Difference(owner="key-2", expected_nano=7, found_nano=8),)
    )
    assert (daily.differing, windows.differing) == (0, 0)


async def test_lifetime_that_differs_from_the_windows_is_told_by_key(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        daily, lifetime, windows = await _compared(
            store,
            "DELETE FROM budget_windows WHERE scope = 'k:key-1'",
            "UPDATE budget_windows SET spent_nano = 12 WHERE scope = 'k:key-3'",
            "UPDATE budget_windows SET adjust_nano = 99, limit_key = 'total' WHERE scope = 'k:key-2'",
            "INSERT INTO budget_windows (scope, limit_key, starts_at, spent_nano) "
            "SELECT 'k:key-2', 'model', starts_at, 1 FROM budget_windows WHERE scope = 'k:key-2'",
        )
    expected = (Difference(owner="key-1", expected_nano=5, found_nano=0), Difference(owner="key-3", expected_nano=11, found_nano=12))
    assert windows == Comparison(pair="windows", checked=3, differing=2, differences=expected)
    assert (daily.differing, lifetime.differing) == (0, 0)


async def test_differences_beyond_the_most_are_counted_and_not_listed(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        daily, _, _ = await _compared(store, "UPDATE daily_usage SET cost_nano = 0", most=3)
    assert (daily.checked, daily.differing, [found.owner for found in daily.differences]) == (4, 4, ["", "key-1", "key-2"])


async def test_days_that_are_not_asked_for_are_not_compared(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        await _compared(store, "UPDATE daily_usage SET cost_nano = 0 WHERE api_key_id = 'key-3'")
        (daily, lifetime, _) = await store.spend.reconcile(DAY, DAY, most=10)
    assert (daily.checked, daily.differing, lifetime.differing) == (3, 0, 1)


async def test_amounts_that_no_float_can_hold_are_compared_exactly(sql_url: str, tmp_path: Path) -> None:
    async with open_sql(sql_url, tmp_path) as store:
        (daily, _, _) = await _compared(
            store,
            "UPDATE spend_events SET cost_nano = 90000000000000001 WHERE api_key_id = 'key-1'",
            "UPDATE daily_usage SET cost_nano = 90000000000000000 WHERE api_key_id = 'key-1'",
        )
    (difference,) = daily.differences
    assert difference.found_nano - difference.expected_nano == -1
