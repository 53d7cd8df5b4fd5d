"""The ledger and its totals in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql import partitions
from tianji_adapters.sql.engine import Engine
from tianji_adapters.sql.inserts import insert
from tianji_adapters.sql.spend_rows import to_row
from tianji_adapters.sql.spend_sums import Row, daily_usage_rows, end_user_rows, lifetime_rows, tag_rows
from tianji_adapters.sql.tables import daily_usage, daily_usage_end_user, daily_usage_tag, lifetime_spend, spend_events
from tianji_adapters.sql.units import SumOfUnits
from tianji_core.access.keys import KeyId
from tianji_core.spend.record import SpendRecord

_KEY_SCOPE = "key"
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
                chosen = (lifetime_spend.c.scope == _KEY_SCOPE) & lifetime_spend.c.pk.in_(wanted[start : start + _CHUNK])
                for key_id, nano in await connection.execute(select(lifetime_spend.c.pk, shown).where(chosen)):
                    spent[KeyId(key_id)] = nano

        await self.engine.read("read spend", work)
        return spent

    async def adjust_key_spend(self, key_id: KeyId, *, to_nano: int) -> None:
        """Set the shown lifetime spend, keeping the difference to the ledger's beside it."""
        row = {"scope": _KEY_SCOPE, "pk": key_id, "cost_nano": 0, "adjust_nano": to_nano}

        async def work(connection: AsyncConnection) -> None:
            statement = insert(connection, lifetime_spend).values(row)
            difference = statement.excluded.adjust_nano - lifetime_spend.c.cost_nano
            await connection.execute(statement.on_conflict_do_update(index_elements=["scope", "pk"], set_={"adjust_nano": difference}))

        await self.engine.write("adjust spend", work)

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
    await _add_up(connection, lifetime_spend, lifetime_rows(new, _KEY_SCOPE))
    return len(new)


async def _add_up(connection: AsyncConnection, table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    statement = insert(connection, table)
    measures = [column for column in table.columns if not column.primary_key]
    sums = {
        column.name: SumOfUnits(column, statement.excluded[column.name])
        if column.name == "units"
        else column + statement.excluded[column.name]
        for column in measures
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=sums), rows)


def _key(record: SpendRecord) -> LedgerKey:
    return (record.day, record.call_id, record.seq)
