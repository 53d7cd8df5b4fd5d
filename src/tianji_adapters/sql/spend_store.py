"""The ledger and its totals in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Column, Table, case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql import partitions, reconciliation
from tianji_adapters.sql.engine import Engine
from tianji_adapters.sql.inserts import insert
from tianji_adapters.sql.spend_rows import to_row
from tianji_adapters.sql.spend_sums import Row, daily_usage_rows, end_user_rows, lifetime_rows, tag_rows, window_row, window_rows
from tianji_adapters.sql.tables import (
    LIFETIME_OF_KEYS,
    budget_windows,
    daily_usage,
    daily_usage_end_user,
    daily_usage_tag,
    lifetime_spend,
    spend_events,
)
from tianji_adapters.sql.units import SumOfUnits
from tianji_core.access.keys import KeyId
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.owners import KEY_SCOPE
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.comparisons import Comparison
from tianji_core.spend.record import SpendRecord

# Both drivers refuse more than about 32,000 parameters in a statement.
_CHUNK = 5_000
_LEDGER_KEY = (spend_events.c.day, spend_events.c.call_id, spend_events.c.seq)

LedgerKey = tuple[date, str, int]


@dataclass(slots=True, frozen=True)
class SqlSpendStore:
    """Implements the `SpendStore` port."""

    engine: Engine

    async def add(self, records: Sequence[SpendRecord]) -> int:
        """Store records once each and add them to the totals in the same transaction; return how many were new."""
        by_key = {_key(record): record for record in reversed(records)}
        if not by_key:
            return 0
        ordered = {key: by_key[key] for key in sorted(by_key)}
        await self._make_room({day for day, _, _ in ordered})
        return await self.engine.write("store spend", lambda connection: _add(connection, ordered))

    async def key_spend_nano(self, key_ids: Sequence[KeyId]) -> dict[KeyId, int]:
        """Return the lifetime spend of each key, adjustments included."""
        spent = dict.fromkeys(key_ids, 0)
        wanted = list(spent)
        shown = lifetime_spend.c.cost_nano + lifetime_spend.c.adjust_nano

        async def work(connection: AsyncConnection) -> None:
            for start in range(0, len(wanted), _CHUNK):
                chosen = (lifetime_spend.c.scope == LIFETIME_OF_KEYS) & lifetime_spend.c.pk.in_(wanted[start : start + _CHUNK])
                for key_id, nano in await connection.execute(select(lifetime_spend.c.pk, shown).where(chosen)):
                    spent[KeyId(key_id)] = nano

        await self.engine.read("read spend", work)
        return spent

    async def adjust_key_spend(self, key_id: KeyId, *, to_nano: int) -> None:
        """Set the shown lifetime spend, keeping the difference to the ledger's beside it."""
        await self._adjust_lifetime(key_id, to_nano, 0)

    async def adjust_window(self, window: BudgetWindow, *, to_nano: int, counted_nano: int = 0) -> WindowSpend:
        """Set what a window shows as spent, keeping the difference to what is booked beside it; return what is stored."""
        if window.ends_at_ns is None:
            stored = await self._adjust_lifetime(window.scope.removeprefix(KEY_SCOPE), to_nano, counted_nano)
        else:
            row = window_row(window, adjust_nano=to_nano - counted_nano)
            stored = await self._adjust(budget_windows, budget_windows.c.spent_nano, row, to_nano, counted_nano)
        return WindowSpend(window=window, spent_nano=stored[0], adjusted_nano=stored[1])

    async def reconcile(self, first: date, last: date, *, most: int) -> tuple[Comparison, ...]:
        """Compare what must be equal, each pair in one statement."""
        return await self.engine.read("compare spend", lambda connection: reconciliation.compare(connection, first, last, most))

    async def _adjust_lifetime(self, key_id: str, to_nano: int, counted_nano: int) -> tuple[int, int]:
        row: Row = {"scope": LIFETIME_OF_KEYS, "pk": key_id, "cost_nano": 0, "adjust_nano": to_nano - counted_nano}
        return await self._adjust(lifetime_spend, lifetime_spend.c.cost_nano, row, to_nano, counted_nano)

    async def _adjust(self, table: Table, booked: Column[int], row: Row, to_nano: int, counted_nano: int) -> tuple[int, int]:
        """Set the adjustment of a row; return what is booked, and the adjustment."""
        ahead = case((booked > counted_nano, booked), else_=counted_nano)

        async def work(connection: AsyncConnection) -> tuple[int, int]:
            statement = insert(connection, table).values(row)
            upsert = statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_={"adjust_nano": to_nano - ahead})
            found = (await connection.execute(upsert.returning(booked, table.c.adjust_nano))).one()
            return found[0], found[1]

        return await self.engine.write("adjust spend", work)

    async def _make_room(self, days: set[date]) -> None:
        """Make the partitions that are not there yet, in a transaction of their own: it locks the whole ledger for a moment."""
        if not self.engine.is_postgres:
            return
        missing = await self.engine.read("look at the ledger", lambda connection: partitions.missing(connection, days))
        if missing:
            await self.engine.write("make room for a day", lambda connection: partitions.make(connection, missing))


async def _add(connection: AsyncConnection, records: dict[LedgerKey, SpendRecord]) -> int:
    statement = insert(connection, spend_events).on_conflict_do_nothing().returning(*_LEDGER_KEY)
    stored = await connection.execute(statement, [to_row(record) for record in records.values()])
    keys = {(day, call_id, seq) for day, call_id, seq in stored}
    new = [record for key, record in records.items() if key in keys]
    await _add_up(connection, daily_usage, daily_usage_rows(new))
    await _add_up(connection, daily_usage_end_user, end_user_rows(new))
    await _add_up(connection, daily_usage_tag, tag_rows(new))
    await _add_up(connection, lifetime_spend, lifetime_rows(new, LIFETIME_OF_KEYS))
    await _add_up(connection, budget_windows, window_rows(new))
    return len(new)


async def _add_up(connection: AsyncConnection, table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    statement = insert(connection, table)
    measures = [column for column in table.columns if not column.primary_key and column.name != "ends_at"]
    sums = {
        column.name: SumOfUnits(column, statement.excluded[column.name])
        if column.name == "units"
        else column + statement.excluded[column.name]
        for column in measures
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=sums), rows)


def _key(record: SpendRecord) -> LedgerKey:
    return (record.day, record.call_id, record.seq)
