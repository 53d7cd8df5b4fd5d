"""A spend record as a row of the ledger."""

import hashlib

import msgspec

from tianji_adapters.sql.tables import TOKEN_BUCKETS
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent
from tianji_core.calls.usage import Usage
from tianji_core.spend.record import SpendRecord

NS_PER_MS = 1_000_000
# A row must always find its place: a provider that reports more than an engine can count must not stop the ledger.
_MOST = 10**17
# An index entry of PostgreSQL holds 2,704 bytes.
_LONGEST_INDEXED_BYTES = 300
_KEPT_BYTES = 200

_SAME_NAME = ("call_id", "revision", "operation", "surface", "route", "stream", "status", "http_status", "usage_source", "cache_hit")
_NUMBERS = ("retries", "fallbacks")
_WORDS = (
    "trace_id",
    "response_id",
    "provider_request_id",
    "model_asked",
    "model_response",
    "deployment_id",
    "server_address",
    "client_ip",
    "user_agent",
    "pricing_version",
)
_INDEXED = (
    "session_id",
    "client_call_id",
    "user_id",
    "team_id",
    "organization_id",
    "end_user_id",
    "model_group",
    "model",
    "provider",
)
_JSON = ("finish_reasons", "tags", "metadata", "dropped_params", "warnings")
_INSTANTS = ("started_at", "upstream_started_at", "first_chunk_at", "upstream_ended_at", "ended_at")


def to_row(record: SpendRecord) -> dict[str, object]:
    """Return the values of the columns. Absent words are ''; absent counts stay NULL: "the provider said nothing"."""
    event = record.event
    row: dict[str, object] = {name: getattr(event, name) for name in (*_SAME_NAME, *_NUMBERS, *_JSON)}
    row.update({name: getattr(event, name) or "" for name in _WORDS})
    row.update({name: indexed(getattr(event, name)) for name in _INDEXED})
    row.update({name: getattr(event, f"{name}_ns") for name in _INSTANTS})
    row.update(
        day=record.day,
        seq=record.seq,
        api_key_id=indexed(event.key_id),
        api_key_hash=event.key_hash or "",
        api_key_alias=event.key_alias or "",
        duration_ms=duration_ms(event),
        attempts=msgspec.to_builtins(event.attempts),
    )
    return {**row, **_error_columns(event), **_usage_columns(record.usage), **_cost_columns(record.cost)}


def duration_ms(event: CallEvent) -> int:
    """Return how long the call took, in whole milliseconds."""
    return max(0, event.ended_at_ns - event.started_at_ns) // NS_PER_MS


def countable(value: int) -> int:
    """Return the number, or the largest that the totals can still add up."""
    return max(-_MOST, min(_MOST, value))


def indexed(text: str | None) -> str:
    """Return a text that fits into an index beside seven more: a long one keeps its beginning and gets a hash."""
    if text is None:
        return ""
    data = text.encode("utf-8", "replace")
    if len(data) <= _LONGEST_INDEXED_BYTES:
        return text
    return f"{data[:_KEPT_BYTES].decode('utf-8', 'ignore')}…{hashlib.sha256(data).hexdigest()[:16]}"


def _error_columns(event: CallEvent) -> dict[str, object]:
    error = event.error
    if error is None:
        return {"error_type": "", "error_code": "", "error_source": ""}
    return {"error_type": error.type, "error_code": error.code or "", "error_source": error.source}


def _usage_columns(usage: Usage) -> dict[str, object]:
    counts = {bucket: getattr(usage, bucket) for bucket in TOKEN_BUCKETS}
    return {
        **{f"{bucket}_tokens": None if count is None else countable(count) for bucket, count in counts.items()},
        "units": usage.units,
        "usage_rest": usage.rest,
        "reported_cost_usd": "" if usage.reported_cost_usd is None else str(usage.reported_cost_usd),
        "service_tier": usage.service_tier or "",
        "region": usage.region or "",
        "speed": usage.speed or "",
    }


def _cost_columns(cost: Cost) -> dict[str, object]:
    breakdown = {name: value for name, value in msgspec.structs.asdict(cost).items() if name not in {"total_nano", "source"}}
    return {"cost_nano": countable(cost.total_nano), "cost_source": cost.source, "cost_breakdown": breakdown}
