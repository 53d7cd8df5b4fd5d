"""Run by Alembic for every command: works on the connection that `tianji_adapters.sql.upgrade` hands in."""

from alembic import context
from sqlalchemy import Connection

from tianji_adapters.sql.partitions import is_partition
from tianji_adapters.sql.tables import METADATA


def _concerns_us(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name is not None and is_partition(name))


connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, include_name=_concerns_us, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
