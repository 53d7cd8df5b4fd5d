"""Comparing the totals of spend in SQL: one statement a pair, in which the two sides are added up and the unequal sums are picked."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import CTE, Column, ColumnElement, Date, FromClause, Select, cast, func, literal, null, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql.tables import LIFETIME_OF_KEYS, budget_windows, daily_usage, lifetime_spend, spend_events
from tianji_core.limits.owners import KEY_SCOPE
from tianji_core.limits.windows import TOTAL
from tianji_core.spend.comparisons import Comparison, Difference, Pair


async def compare(connection: AsyncConnection, first: date, last: date, most: int) -> tuple[Comparison, ...]:
    """Return the three comparisons."""
    pairs: Sequence[tuple[Pair, CTE]] = (
        ("daily_totals", _days(first, last)),
        ("lifetime", _lifetimes()),
        ("windows", _windows()),
    )
    return tuple([await _compared(connection, pair, sums, most) for pair, sums in pairs])


def _days(first: date, last: date) -> CTE:
    ledger, daily = spend_events.c, daily_usage.c
    return _sums(
        _side(ledger.api_key_id, ledger.day, expected=ledger.cost_nano).where(ledger.day.between(first, last)),
        _side(daily.api_key_id, daily.day, found=daily.cost_nano).where(daily.day.between(first, last)),
    )


def _lifetimes() -> CTE:
    daily, lifetime = daily_usage.c, lifetime_spend.c
    return _sums(
        _side(daily.api_key_id, _all_time(), expected=daily.cost_nano).where(daily.api_key_id != ""),
        _side(lifetime.pk, _all_time(), found=lifetime.cost_nano).where(lifetime.scope == LIFETIME_OF_KEYS),
    )


def _windows() -> CTE:
    lifetime, window = lifetime_spend.c, budget_windows.c
    key_id = func.substr(window.scope, len(KEY_SCOPE) + 1)
    is_key = func.substr(window.scope, 1, len(KEY_SCOPE)) == KEY_SCOPE
    return _sums(
        _side(lifetime.pk, _all_time(), expected=lifetime.cost_nano).where(lifetime.scope == LIFETIME_OF_KEYS),
        _side(key_id, _all_time(), found=window.spent_nano).where(is_key, window.limit_key == TOTAL),
    )


def _all_time() -> ColumnElement[date]:
    return cast(null(), Date)


def _side(
    owner: ColumnElement[str], day: ColumnElement[date], *, expected: Column[int] | None = None, found: Column[int] | None = None
) -> Select[*tuple[object, ...]]:
    """Return what one side adds: its amounts in their column, and nothing in the other."""
    zero = literal(0)
    return select(
        owner.label("owner"),
        day.label("day"),
        (zero if expected is None else expected).label("expected"),
        (zero if found is None else found).label("found"),
    )


def _sums(*sides: Select[*tuple[object, ...]]) -> CTE:
    both: FromClause = union_all(*sides).subquery()
    sums = [func.sum(both.c[name]).label(name) for name in ("expected", "found")]
    return select(both.c.owner, both.c.day, *sums).group_by(both.c.owner, both.c.day).cte("sums")


async def _compared(connection: AsyncConnection, pair: Pair, sums: CTE, most: int) -> Comparison:
    differ = select(sums).where(sums.c.expected != sums.c.found)
    counts = select(
        select(func.count()).select_from(sums).scalar_subquery().label("checked"),
        select(func.count()).select_from(differ.subquery()).scalar_subquery().label("differing"),
    ).subquery("counts")
    listed = differ.order_by(sums.c.day, sums.c.owner).limit(most).subquery("listed")
    rows = (await connection.execute(select(counts, listed).select_from(counts.outerjoin(listed, true())))).all()
    differences = [
        Difference(owner=row.owner, day=row.day, expected_nano=int(row.expected), found_nano=int(row.found))
        for row in rows
        if row.owner is not None
    ]
    return Comparison(pair=pair, checked=rows[0].checked, differing=rows[0].differing, differences=tuple(differences))
