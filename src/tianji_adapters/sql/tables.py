"""The tables. Money is `BIGINT` nano-USD, ids are text, days are UTC; keys never hold NULL, '' stands for "none".

`spend_events` is the ledger: nothing in it is ever changed, and nothing refers to it. What it says is summed in `daily_usage*`,
`lifetime_spend` and `budget_windows`, in the transaction that stores the row.
"""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, MetaData, PrimaryKeyConstraint, SmallInteger, Table, text

from tianji_adapters.sql.types import Instant, Json, Words
from tianji_core.calls.usage import INPUT_BUCKETS, OUTPUT_BUCKETS

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "ux_%(table_name)s_%(column_0_N_name)s",
    }
)

TOKEN_BUCKETS = (*INPUT_BUCKETS, *OUTPUT_BUCKETS, "accepted_prediction", "rejected_prediction")
MEASURES = (
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
"""What is summed per day. The `cost_*_nano` parts exclude each other (output without reasoning) and add up to `cost_nano`."""


def _words(name: str) -> Column[str]:
    return Column(name, Words, nullable=False, server_default="")


def _json(name: str, empty: str = "[]") -> Column[object]:
    return Column(name, Json, nullable=False, server_default=empty)


def _measures() -> tuple[Column[int] | Column[object], ...]:
    return (*(Column(name, BigInteger, nullable=False, server_default="0") for name in MEASURES), _json("units", "{}"))


api_keys = Table(
    "api_keys",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("hash", Words, nullable=False),
    Column("display", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("alias", Words),
    Column("user_id", Words),
    Column("team_id", Words),
    Column("organization_id", Words),
    _json("models"),
    _json("aliases", "{}"),
    _json("allowed_routes"),
    _json("tags"),
    _json("metadata", "{}"),
    Column("blocked", Boolean, nullable=False),
    Column("expires_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Words, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", Words, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("max_budget_nano", BigInteger),
    Column("soft_budget_nano", BigInteger),
    Column("budget_duration", Words),
    Column("budget_started_at", Instant),
    Column("rpm", BigInteger),
    Column("tpm", BigInteger),
    Column("tpm_part", Words, nullable=False, server_default="total"),
    Column("max_parallel", BigInteger),
    Index("ux_api_keys_hash", "hash", unique=True),
    Index("ux_api_keys_alias", "alias", unique=True),
    Index("ix_api_keys_user_id", "user_id"),
    Index("ix_api_keys_team_id", "team_id"),
    Index("ix_api_keys_organization_id", "organization_id"),
    Index("ix_api_keys_expires_at", "expires_at"),
    Index("ix_api_keys_created_at_id", "created_at", "id"),
)

deleted_entities = Table(
    "deleted_entities",
    METADATA,
    Column("kind", Words, nullable=False),
    Column("pk", Words, nullable=False),
    Column("id", Words, nullable=False),
    Column("row", Json, nullable=False),
    Column("deleted_at", Instant, nullable=False),
    Column("deleted_by", Words, nullable=False),
    PrimaryKeyConstraint("kind", "pk"),
    Index("ix_deleted_entities_kind_id", "kind", "id"),
    Index("ix_deleted_entities_deleted_at", "deleted_at"),
)

spend_events = Table(
    "spend_events",
    METADATA,
    Column("day", Date, nullable=False),
    Column("call_id", Words, nullable=False),
    Column("seq", SmallInteger, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
    _words("trace_id"),
    _words("session_id"),
    _words("response_id"),
    _words("provider_request_id"),
    _words("client_call_id"),
    Column("operation", Words, nullable=False),
    Column("surface", Words, nullable=False),
    Column("route", Words, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("status", Words, nullable=False),
    Column("http_status", SmallInteger, nullable=False),
    _words("error_type"),
    _words("error_code"),
    _words("error_source"),
    _json("finish_reasons"),
    _words("model_asked"),
    _words("model_group"),
    _words("model"),
    _words("model_response"),
    _words("provider"),
    _words("deployment_id"),
    _words("server_address"),
    _words("region"),
    _words("service_tier"),
    _words("speed"),
    Column("started_at", Instant, nullable=False),
    Column("upstream_started_at", Instant),
    Column("first_chunk_at", Instant),
    Column("upstream_ended_at", Instant),
    Column("ended_at", Instant, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    _words("api_key_id"),
    _words("api_key_hash"),
    _words("api_key_alias"),
    _words("user_id"),
    _words("team_id"),
    _words("organization_id"),
    _words("end_user_id"),
    _json("tags"),
    _json("metadata", "{}"),
    _words("client_ip"),
    _words("user_agent"),
    *(Column(f"{bucket}_tokens", BigInteger) for bucket in TOKEN_BUCKETS),
    _json("units", "{}"),
    _json("usage_rest", "{}"),
    Column("usage_source", Words, nullable=False),
    Column("cost_nano", BigInteger, nullable=False),
    Column("cost_source", Words, nullable=False),
    _json("cost_breakdown", "{}"),
    _words("reported_cost_usd"),
    _words("pricing_version"),
    Column("cache_hit", Boolean, nullable=False),
    _json("attempts"),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("fallbacks", Integer, nullable=False, server_default="0"),
    _json("dropped_params"),
    _json("warnings"),
    PrimaryKeyConstraint("day", "call_id", "seq"),
    Index("ix_spend_events_day_api_key_id", "day", "api_key_id"),
    Index("ix_spend_events_day_team_id", "day", "team_id"),
    Index("ix_spend_events_day_user_id", "day", "user_id"),
    Index("ix_spend_events_day_end_user_id", "day", "end_user_id"),
    Index("ix_spend_events_session_id", "session_id", sqlite_where=text("session_id <> ''"), postgresql_where=text("session_id <> ''")),
    Index(
        "ix_spend_events_client_call_id",
        "client_call_id",
        sqlite_where=text("client_call_id <> ''"),
        postgresql_where=text("client_call_id <> ''"),
    ),
    postgresql_partition_by="RANGE (day)",
)

daily_usage = Table(
    "daily_usage",
    METADATA,
    Column("day", Date, nullable=False),
    _words("api_key_id"),
    _words("user_id"),
    _words("team_id"),
    _words("organization_id"),
    _words("model_group"),
    _words("model"),
    _words("provider"),
    _words("route"),
    *_measures(),
    PrimaryKeyConstraint("day", "api_key_id", "user_id", "team_id", "organization_id", "model_group", "model", "provider", "route"),
    Index("ix_daily_usage_day_team_id", "day", "team_id"),
    Index("ix_daily_usage_day_user_id", "day", "user_id"),
    Index("ix_daily_usage_day_model", "day", "model"),
)

daily_usage_end_user = Table(
    "daily_usage_end_user",
    METADATA,
    Column("day", Date, nullable=False),
    _words("end_user_id"),
    _words("model"),
    *_measures(),
    PrimaryKeyConstraint("day", "end_user_id", "model"),
)

daily_usage_tag = Table(
    "daily_usage_tag",
    METADATA,
    Column("day", Date, nullable=False),
    _words("tag"),
    _words("model"),
    _words("provider"),
    *_measures(),
    PrimaryKeyConstraint("day", "tag", "model", "provider"),
)

LIFETIME_OF_KEYS = "key"
"""The scope of `lifetime_spend` whose rows are keys."""

lifetime_spend = Table(
    "lifetime_spend",
    METADATA,
    Column("scope", Words, nullable=False),
    Column("pk", Words, nullable=False),
    Column("cost_nano", BigInteger, nullable=False, server_default="0"),
    Column("adjust_nano", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("scope", "pk"),
)

# One row a window. The row without an end holds what its owner spent in no window.
budget_windows = Table(
    "budget_windows",
    METADATA,
    Column("scope", Words, nullable=False),
    Column("limit_key", Words, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("spent_nano", BigInteger, nullable=False, server_default="0"),
    Column("adjust_nano", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("scope", "limit_key", "starts_at"),
)

settings = Table(
    "settings",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
)
