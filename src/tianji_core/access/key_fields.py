"""The body of `/key/generate` and `/key/update`: what was given, what was cleared, what was not mentioned.

Field names are LiteLLM's. A field that TianJi does not have yet is refused as soon as it carries a value: a limit that is accepted and
not enforced protects nothing.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tianji_core.access.durations import parse_duration
from tianji_core.access.fields import Check, FieldReader, each, is_empty
from tianji_core.access.limits import TokenPart
from tianji_core.access.public_ids import public_id
from tianji_core.access.routes import is_route_entry
from tianji_core.access.wire_values import nano
from tianji_core.wire.json import encode

_METADATA_BYTES = 64 * 1024
# Instants are signed 64-bit nanoseconds, which end in the year 2262.
_MOST_MONTHS = 1_200
NEVER = "-1"
"""The text of `duration` that means no expiry."""

Texts = Annotated[tuple[str, ...], Meta(max_length=1000)]
Names = Annotated[dict[str, str], Meta(max_length=1000)]
Most = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]


class KeyFields(msgspec.Struct, frozen=True, kw_only=True):
    """What one request says about a key. UNSET: not mentioned. None: cleared (in a creation: the default).

    Attributes:
        key: The caller's own choice when creating, the key to change when updating.
        duration: A valid duration, or `NEVER`.
        max_budget, soft_budget, spend: USD.
        budget_duration: A valid duration.
        rpm_limit, tpm_limit, max_parallel_requests: What may be used; zero lets nothing through.
        token_rate_limit_type: Which tokens `tpm_limit` counts.
        expected_version: For an optimistic change.
    """

    key: str | UnsetType = UNSET
    key_alias: str | None | UnsetType = UNSET
    key_type: Literal["default", "llm_api", "management", "read_only"] | UnsetType = UNSET
    duration: str | None | UnsetType = UNSET
    user_id: str | None | UnsetType = UNSET
    team_id: str | None | UnsetType = UNSET
    organization_id: str | None | UnsetType = UNSET
    models: Texts | None | UnsetType = UNSET
    aliases: Names | None | UnsetType = UNSET
    allowed_routes: Texts | None | UnsetType = UNSET
    tags: Texts | None | UnsetType = UNSET
    metadata: dict[str, Any] | None | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET
    max_budget: Decimal | None | UnsetType = UNSET
    soft_budget: Decimal | None | UnsetType = UNSET
    budget_duration: str | None | UnsetType = UNSET
    rpm_limit: Most | None | UnsetType = UNSET
    tpm_limit: Most | None | UnsetType = UNSET
    max_parallel_requests: Most | None | UnsetType = UNSET
    token_rate_limit_type: TokenPart | None | UnsetType = UNSET
    spend: Decimal | UnsetType = UNSET
    expected_version: Annotated[int, Meta(ge=1)] | UnsetType = UNSET


class ReadFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields, and the names of those that nobody knows."""

    fields: KeyFields
    ignored: tuple[str, ...] = ()


NOT_BUILT = frozenset(
    {
        "access_group_ids", "agent_id", "allowed_cache_controls", "allowed_passthrough_routes", "allowed_vector_store_indexes",
        "auto_rotate", "budget_fallbacks", "budget_id", "budget_limits", "config",
        "default_estimated_output_tokens", "default_estimated_output_tokens_per_model", "denied_passthrough_routes",
        "disable_global_guardrails", "end_user_budget_id", "enforced_params", "guardrails",
        "mcp_rpm_limit", "model_max_budget", "model_rpm_limit", "model_tpm_limit", "object_permission", "permissions", "policies",
        "project_id", "prompts", "rotation_interval", "router_settings", "rpm_limit_type", "send_invite_email",
        "tag_rpm_limit", "temp_budget_expiry", "temp_budget_increase", "throttle_on_budget_exceeded", "tpd_limit",
        "tpm_limit_type",
    }
)  # fmt: skip
"""Known fields without code behind them."""

_AS_IT_IS = {"rpm_limit_type": "best_effort_throughput", "tpm_limit_type": "best_effort_throughput"}
"""Values of such fields that ask for what happens anyway: a limit promises nothing beside being one."""

PROTECTING_METADATA = frozenset(
    {"allowed_ips", "disable_global_guardrails", "enforced_params", "guardrails", "model_rpm_limit", "model_tpm_limit", "policies",
     "opted_out_global_guardrails", "prompts", "tag_rpm_limit", "temp_budget_increase"}
)  # fmt: skip
"""Names inside `metadata` by which LiteLLM protects something."""

_COMPUTED = frozenset(
    {"budget_reset_at", "created_at", "created_by", "expires", "id", "key_name", "last_active", "litellm_budget_table", "model_spend",
     "soft_budget_cooldown", "token", "token_id", "total_spend", "updated_at", "updated_by", "version"}
)  # fmt: skip
_CLEARABLE = frozenset(
    {"key_alias", "duration", "user_id", "team_id", "organization_id", "models", "aliases", "allowed_routes", "tags", "metadata",
     "max_budget", "soft_budget", "budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests", "token_rate_limit_type"}
)  # fmt: skip
_BLANK_IS_ABSENT = frozenset({"key", "key_alias", "key_type", "duration", "user_id", "team_id", "organization_id", "budget_duration"})
_KINDS: dict[str, Any] = {info.name: info.type for info in msgspec.structs.fields(KeyFields)}


def read_key_fields(body: Mapping[str, object], *, strict: bool = False) -> ReadFields:
    """Read the body.

    Args:
        strict: Refuse unknown fields instead of naming them.

    Raises:
        UnprocessableError: a field has the wrong type or value, or (`unsupported_field`) is not built and carries a value.
    """
    reader = FieldReader()
    values: dict[str, Any] = {}
    ignored: list[str] = []
    for name, value in body.items():
        if name in _KINDS:
            if not _says_nothing(name, value):
                found = reader.read(name, value, _KINDS[name], _CHECKS.get(name))
                if found is not UNSET:
                    values[name] = found
        elif name in NOT_BUILT:
            if not is_empty(value) and value != _AS_IT_IS.get(name):
                reader.unsupported(name)
        elif name not in _COMPUTED:
            ignored.append(name)
            if strict:
                reader.unknown(name, (*_KINDS, *NOT_BUILT))
    _refuse_unbuilt_values(reader, values)
    reader.finish()
    return ReadFields(fields=_with_tags(KeyFields(**values)), ignored=tuple(ignored))


def _says_nothing(name: str, value: object) -> bool:
    return (value is None and name not in _CLEARABLE) or (value == "" and name in _BLANK_IS_ABSENT)


def _refuse_unbuilt_values(reader: FieldReader, values: Mapping[str, Any]) -> None:
    if values.get("key_type") in ("management", "read_only"):
        reader.unsupported("key_type")
    metadata: Mapping[str, object] = values.get("metadata") or {}
    for name, value in metadata.items():
        if name in PROTECTING_METADATA and not is_empty(value):
            reader.unsupported(f"metadata.{name}")


def _with_tags(fields: KeyFields) -> KeyFields:
    """LiteLLM keeps tags inside `metadata`; its clients may send them there."""
    inside = fields.metadata.get("tags") if isinstance(fields.metadata, dict) else None
    if fields.tags is not UNSET or not isinstance(inside, list) or not all(isinstance(tag, str) for tag in inside):
        return fields
    return msgspec.structs.replace(fields, tags=tuple(inside))


# --- checks of single values --------------------------------------------------------------------------------------------


def _duration(text: str) -> str:
    if text != NEVER:
        parse_duration(text)
    return text


def _budget_duration(text: str) -> str:
    duration = parse_duration(text)
    if duration.unit == "mo" and duration.count > _MOST_MONTHS:
        raise ValueError(f"must be at most `{_MOST_MONTHS}mo`")
    return text


def _usd(amount_usd: Decimal) -> Decimal:
    nano(amount_usd)
    return amount_usd


def _route(entry: str) -> str:
    if not is_route_entry(entry):
        raise ValueError("must hold paths, prefixes that end in `/*`, or names of route groups")
    return entry


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    if len(encode(value)) > _METADATA_BYTES:
        raise ValueError("must be at most 64 kB of JSON")
    if _has_nul(value):
        raise ValueError("must not contain U+0000")
    return value


def _has_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any("\0" in name or _has_nul(item) for name, item in value.items())
    if isinstance(value, list):
        return any(_has_nul(item) for item in value)
    return isinstance(value, str) and "\0" in value


_CHECKS: Mapping[str, Check] = {
    "key_alias": public_id,
    "duration": _duration,
    "user_id": public_id,
    "team_id": public_id,
    "organization_id": public_id,
    "models": each(public_id),
    "aliases": each(public_id),
    "allowed_routes": each(_route),
    "tags": each(public_id),
    "metadata": _metadata,
    "max_budget": _usd,
    "soft_budget": _usd,
    "budget_duration": _budget_duration,
    "spend": _usd,
}
