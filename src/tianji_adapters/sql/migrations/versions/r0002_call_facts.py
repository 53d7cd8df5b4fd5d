"""The ledger learns the client's own call id, and how often a call was tried again.

Rows that are there get their numbers from `attempts`: a fallback is a model group beyond the first, a retry any other attempt beyond
the first. A worker of the version before goes on: it does not name the new columns, and their defaults say "none".
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from tianji_adapters.sql.types import Words

revision = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_BACKFILL_POSTGRES = """
UPDATE spend_events SET
  fallbacks = (SELECT count(DISTINCT tried ->> 'model_group') - 1 FROM jsonb_array_elements(attempts) AS tried),
  retries = jsonb_array_length(attempts)
          - (SELECT count(DISTINCT tried ->> 'model_group') FROM jsonb_array_elements(attempts) AS tried)
WHERE jsonb_array_length(attempts) > 1
"""
_BACKFILL_SQLITE = """
UPDATE spend_events SET
  fallbacks = (SELECT count(DISTINCT json_extract(tried.value, '$.model_group')) - 1 FROM json_each(attempts) AS tried),
  retries = json_array_length(attempts)
          - (SELECT count(DISTINCT json_extract(tried.value, '$.model_group')) FROM json_each(attempts) AS tried)
WHERE json_array_length(attempts) > 1
"""


def upgrade() -> None:
    """Add the columns, fill them for the rows that are there, index what is looked up."""
    op.add_column("spend_events", sa.Column("client_call_id", Words, nullable=False, server_default=""))
    op.add_column("spend_events", sa.Column("retries", sa.Integer, nullable=False, server_default="0"))
    op.add_column("spend_events", sa.Column("fallbacks", sa.Integer, nullable=False, server_default="0"))
    op.execute(_BACKFILL_POSTGRES if op.get_bind().dialect.name == "postgresql" else _BACKFILL_SQLITE)
    given = sa.text("client_call_id <> ''")
    op.create_index("ix_spend_events_client_call_id", "spend_events", ["client_call_id"], sqlite_where=given, postgresql_where=given)
