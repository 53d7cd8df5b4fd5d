"""Named texts in SQL."""

from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql.engine import Engine
from tianji_adapters.sql.inserts import insert
from tianji_adapters.sql.tables import settings


@dataclass(slots=True, frozen=True)
class SqlSettingsStore:
    """Implements the `SettingsStore` port."""

    engine: Engine

    async def get(self, name: str) -> str | None:
        """Return the text of that name."""

        async def work(connection: AsyncConnection) -> str | None:
            return (await connection.execute(_value_of(name))).scalar_one_or_none()

        return await self.engine.read("read a setting", work)

    async def put_if_absent(self, name: str, value: str) -> str:
        """Store the value unless the name has one; return the one that is stored now."""

        async def work(connection: AsyncConnection) -> str:
            statement = insert(connection, settings).values(name=name, value=value)
            await connection.execute(statement.on_conflict_do_nothing())
            # Where another one stored first, its commit was awaited, so the value is there to read.
            return (await connection.execute(_value_of(name))).scalar_one()

        return await self.engine.write("store a setting", work)


def _value_of(name: str) -> Select[str]:
    return select(settings.c.value).where(settings.c.name == name)
