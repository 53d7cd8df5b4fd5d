"""Keys, the ledger with its totals, settings.

Frozen: a later change of `tables.py` is a later revision.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from tianji_adapters.sql.types import Instant, Json, Words

revision = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_BUCKETS = (
    "input_text",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write",
    "input_audio",
    "input_image",
    "input_video",
    "output_text",
    "reasoning",
    "output_audio",
    "output_image",
    "output_video",
    "accepted_prediction",
    "rejected_prediction",
)
_MEASURES = (
    "requests",
    "ok",
    "failed",
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_nano",
    "cost_input_nano",
    "cost_cache_read_nano",
    "cost_cache_write_nano",
    "cost_output_nano",
    "cost_reasoning_nano",
    "cost_tools_nano",
    "cost_guardrails_nano",
    "cost_other_nano",
    "latency_ms_sum",
    "latency_n",
)


def upgrade() -> None:
    """Make all tables of the first version."""
    _make_api_keys()
    _make_deleted_entities()
    _make_spend_events()
    _make_daily_usage()
    op.create_table(
        "lifetime_spend",
        _needed("scope"),
        _needed("pk"),
        sa.Column("cost_nano", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("adjust_nano", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("scope", "pk", name="pk_lifetime_spend"),
    )
    settings = op.create_table("settings", _needed("name"), _needed("value"), sa.PrimaryKeyConstraint("name", name="pk_settings"))
    op.bulk_insert(settings, [{"name": "schema.compatible_since", "value": "0001"}])


def _make_api_keys() -> None:
    op.create_table(
        "api_keys",
        *(_needed(name) for name in ("id", "hash", "display", "kind")),
        *(sa.Column(name, Words) for name in ("alias", "user_id", "team_id", "organization_id")),
        _json("models"),
        _json("aliases", "{}"),
        _json("allowed_routes"),
        _json("tags"),
        _json("metadata", "{}"),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.Column("expires_at", Instant),
        sa.Column("created_at", Instant, nullable=False),
        _needed("created_by"),
        sa.Column("updated_at", Instant, nullable=False),
        _needed("updated_by"),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("ux_api_keys_hash", "api_keys", ["hash"], unique=True)
    op.create_index("ux_api_keys_alias", "api_keys", ["alias"], unique=True)
    for column in ("user_id", "team_id", "organization_id", "expires_at"):
        op.create_index(f"ix_api_keys_{column}", "api_keys", [column])
    op.create_index("ix_api_keys_created_at_id", "api_keys", ["created_at", "id"])


def _make_deleted_entities() -> None:
    op.create_table(
        "deleted_entities",
        *(_needed(name) for name in ("kind", "pk", "id")),
        sa.Column("row", Json, nullable=False),
        sa.Column("deleted_at", Instant, nullable=False),
        _needed("deleted_by"),
        sa.PrimaryKeyConstraint("kind", "pk", name="pk_deleted_entities"),
    )
    op.create_index("ix_deleted_entities_kind_id", "deleted_entities", ["kind", "id"])
    op.create_index("ix_deleted_entities_deleted_at", "deleted_entities", ["deleted_at"])


def _make_spend_events() -> None:
    op.create_table(
        "spend_events",
        sa.Column("day", sa.Date, nullable=False),
        _needed("call_id"),
        sa.Column("seq", sa.SmallInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
        *(_words(name) for name in ("trace_id", "session_id", "response_id", "provider_request_id")),
        *(_needed(name) for name in ("operation", "surface", "route")),
        sa.Column("stream", sa.Boolean, nullable=False),
        _needed("status"),
        sa.Column("http_status", sa.SmallInteger, nullable=False),
        *(_words(name) for name in ("error_type", "error_code", "error_source")),
        _json("finish_reasons"),
        *(_words(name) for name in ("model_asked", "model_group", "model", "model_response", "provider", "deployment_id")),
        *(_words(name) for name in ("server_address", "region", "service_tier", "speed")),
        sa.Column("started_at", Instant, nullable=False),
        *(sa.Column(name, Instant) for name in ("upstream_started_at", "first_chunk_at", "upstream_ended_at")),
        sa.Column("ended_at", Instant, nullable=False),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        *(_words(name) for name in ("api_key_id", "api_key_hash", "api_key_alias")),
        *(_words(name) for name in ("user_id", "team_id", "organization_id", "end_user_id")),
        _json("tags"),
        _json("metadata", "{}"),
        *(_words(name) for name in ("client_ip", "user_agent")),
        *(sa.Column(f"{bucket}_tokens", sa.BigInteger) for bucket in _BUCKETS),
        _json("units", "{}"),
        _json("usage_rest", "{}"),
        _needed("usage_source"),
        sa.Column("cost_nano", sa.BigInteger, nullable=False),
        _needed("cost_source"),
        _json("cost_breakdown", "{}"),
        *(_words(name) for name in ("reported_cost_usd", "pricing_version")),
        sa.Column("cache_hit", sa.Boolean, nullable=False),
        _json("attempts"),
        _json("dropped_params"),
        _json("warnings"),
        sa.PrimaryKeyConstraint("day", "call_id", "seq", name="pk_spend_events"),
        postgresql_partition_by="RANGE (day)",
    )
    for column in ("api_key_id", "team_id", "user_id", "end_user_id"):
        op.create_index(f"ix_spend_events_day_{column}", "spend_events", ["day", column])
    given = sa.text("session_id <> ''")
    op.create_index("ix_spend_events_session_id", "spend_events", ["session_id"], sqlite_where=given, postgresql_where=given)


def _make_daily_usage() -> None:
    _make_daily("daily_usage", "api_key_id", "user_id", "team_id", "organization_id", "model_group", "model", "provider", "route")
    _make_daily("daily_usage_end_user", "end_user_id", "model")
    _make_daily("daily_usage_tag", "tag", "model", "provider")
    for column in ("team_id", "user_id", "model"):
        op.create_index(f"ix_daily_usage_day_{column}", "daily_usage", ["day", column])


def _make_daily(table: str, *dimensions: str) -> None:
    op.create_table(
        table,
        sa.Column("day", sa.Date, nullable=False),
        *(_words(name) for name in dimensions),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in _MEASURES),
        _json("units", "{}"),
        sa.PrimaryKeyConstraint("day", *dimensions, name=f"pk_{table}"),
    )


def _needed(name: str) -> sa.Column[str]:
    return sa.Column(name, Words, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, Words, nullable=False, server_default="")


def _json(name: str, empty: str = "[]") -> sa.Column[object]:
    return sa.Column(name, Json, nullable=False, server_default=empty)
