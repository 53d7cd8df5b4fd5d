"""Keys get limits, and budgets their windows.

What keys have spent so far was spent in no window: it becomes the row of each key that has no end. A worker of the version before goes on:
it does not name the new columns, and their defaults limit nothing.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from tianji_adapters.sql.types import Instant, Words

revision = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_BACKFILL = """
INSERT INTO budget_windows (scope, limit_key, starts_at, ends_at, spent_nano, adjust_nano)
SELECT 'k:' || pk, 'total', {epoch}, NULL, cost_nano, 0 FROM lifetime_spend WHERE scope = 'key'
"""


def upgrade() -> None:
    """Add the columns and the table, and fill it from what is there."""
    for name in ("max_budget_nano", "soft_budget_nano", "rpm", "tpm", "max_parallel"):
        op.add_column("api_keys", sa.Column(name, sa.BigInteger))
    op.add_column("api_keys", sa.Column("budget_duration", Words))
    op.add_column("api_keys", sa.Column("budget_started_at", Instant))
    op.add_column("api_keys", sa.Column("tpm_part", Words, nullable=False, server_default="total"))
    op.create_table(
        "budget_windows",
        sa.Column("scope", Words, nullable=False),
        sa.Column("limit_key", Words, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant),
        sa.Column("spent_nano", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("adjust_nano", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("scope", "limit_key", "starts_at", name="pk_budget_windows"),
    )
    epoch = "timestamptz 'epoch'" if op.get_bind().dialect.name == "postgresql" else "0"
    op.execute(_BACKFILL.format(epoch=epoch))
