"""Budget windows in SQL: those that end have rows of their own; one that does not is the lifetime spend of its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, cast, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql.engine import Engine
from tianji_adapters.sql.tables import LIFETIME_OF_KEYS, budget_windows, lifetime_spend
from tianji_adapters.sql.types import Instant
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.owners import KEY_SCOPE
from tianji_core.limits.windows import BudgetWindow

# SQLite puts at most 500 selects into one.
_CHUNK = 250

Found = dict[BudgetWindow, WindowSpend]


@dataclass(slots=True, frozen=True)
class SqlWindowStore:
    """Implements the `WindowStore` port."""

    engine: Engine

    async def window_spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, WindowSpend]:
        """Return the last stored window of each scope and limit key that begins before the asked one ends."""
        asked = list(dict.fromkeys(windows))

        async def work(connection: AsyncConnection) -> Found:
            found: Found = {}
            for start in range(0, len(asked), _CHUNK):
                chunk = asked[start : start + _CHUNK]
                selects = [_select(number, window) for number, window in enumerate(chunk)]
                rows = await connection.execute(union_all(*selects))
                found.update((chunk[row.number], _spend(chunk[row.number], row)) for row in rows)
            return found

        return await self.engine.read("read budget windows", work) if asked else {}


def _select(number: int, asked: BudgetWindow) -> Select[*tuple[object, ...]]:
    place = literal(number).label("number")
    if asked.ends_at_ns is None:
        never = cast(null(), Instant)
        return select(
            place,
            never.label("starts_at"),
            never.label("ends_at"),
            lifetime_spend.c.cost_nano.label("spent_nano"),
            lifetime_spend.c.adjust_nano,
        ).where(lifetime_spend.c.scope == LIFETIME_OF_KEYS, lifetime_spend.c.pk == asked.scope.removeprefix(KEY_SCOPE))
    table = budget_windows.c
    last = (
        select(place, table.starts_at, table.ends_at, table.spent_nano, table.adjust_nano)
        .where(table.scope == asked.scope, table.limit_key == asked.limit_key)
        .where(table.ends_at.is_not(None), table.starts_at < asked.ends_at_ns)
        .order_by(table.starts_at.desc())
        .limit(1)
    )
    return select(*last.subquery().c)


def _spend(asked: BudgetWindow, row: Row[*tuple[object, ...]]) -> WindowSpend:
    window = asked
    if row.ends_at is not None:
        window = BudgetWindow(scope=asked.scope, limit_key=asked.limit_key, starts_at_ns=row.starts_at, ends_at_ns=row.ends_at)
    return WindowSpend(window=window, spent_nano=row.spent_nano, adjusted_nano=row.adjust_nano)
