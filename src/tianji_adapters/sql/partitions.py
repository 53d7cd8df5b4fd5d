"""Daily partitions of the ledger on PostgreSQL. There is no default partition: a row without a home is an error, never a hidden heap."""

import re
from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

DAYS_AHEAD = 7
_NAME = re.compile(r"spend_events_p\d{8}")
# Any number that no other advisory lock of ours uses.
_LOCK = 7_426_001_003
# Read from the catalogue by the statement's own snapshot: `to_regclass` remembers what was missing before we waited for the lock.
_THERE = text(
    """
    SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'spend_events'::regclass AND c.relname = ANY(CAST(:names AS text[]))
    """
)


def is_partition(table: str) -> bool:
    """Whether the table is one day of the ledger."""
    return _NAME.fullmatch(table) is not None


def name_of(day: date) -> str:
    """Return the partition that holds a day."""
    return f"spend_events_p{day:%Y%m%d}"


async def missing(connection: AsyncConnection, days: Iterable[date]) -> tuple[date, ...]:
    """Return those of the days that have no partition, in order."""
    wanted = {name_of(day): day for day in days}
    found = await connection.execute(_THERE, {"names": list(wanted)})
    return tuple(sorted(wanted[name] for name in wanted.keys() - set(found.scalars())))


async def make(connection: AsyncConnection, days: Iterable[date]) -> None:
    """Make the partitions of these days that are not there, one maker at a time."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    for day in await missing(connection, days):
        bounds = f"FROM ('{day.isoformat()}') TO ('{(day + timedelta(days=1)).isoformat()}')"
        await connection.execute(text(f"CREATE TABLE {name_of(day)} PARTITION OF spend_events FOR VALUES {bounds}"))


async def make_ahead(connection: AsyncConnection) -> None:
    """Make the partitions of today, by the server's clock, and of the next seven days."""
    today = (await connection.execute(text("SELECT CAST(now() AT TIME ZONE 'UTC' AS date)"))).scalar_one()
    await make(connection, [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)])
