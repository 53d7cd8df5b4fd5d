"""A virtual key as a row, and back."""

from collections.abc import Mapping
from typing import cast

from sqlalchemy import RowMapping

from tianji_core.access.keys import KeyHash, KeyId, VirtualKey
from tianji_core.access.limits import Limits

_PLAIN = (
    "id",
    "hash",
    "display",
    "kind",
    "alias",
    "user_id",
    "team_id",
    "organization_id",
    "blocked",
    "created_by",
    "updated_by",
    "version",
)
_LISTS = ("models", "allowed_routes", "tags")
_OBJECTS = ("aliases", "metadata")
_INSTANTS = ("expires_at", "created_at", "updated_at")
_LIMITS = ("max_budget_nano", "soft_budget_nano", "budget_duration", "rpm", "tpm", "tpm_part", "max_parallel")


def to_row(key: VirtualKey) -> dict[str, object]:
    """Return the values of the columns."""
    row: dict[str, object] = {name: getattr(key, name) for name in (*_PLAIN, *_OBJECTS)}
    row.update({name: list(getattr(key, name)) for name in _LISTS})
    row.update({name: getattr(key, f"{name}_ns") for name in _INSTANTS})
    row.update({name: getattr(key.limits, name) for name in _LIMITS})
    row["budget_started_at"] = key.limits.budget_started_at_ns or None
    return row


def from_row(row: RowMapping) -> VirtualKey:
    """Return the key of a row."""
    return VirtualKey(
        id=KeyId(row["id"]),
        hash=KeyHash(row["hash"]),
        display=row["display"],
        kind=row["kind"],
        alias=row["alias"],
        user_id=row["user_id"],
        team_id=row["team_id"],
        organization_id=row["organization_id"],
        models=tuple(row["models"]),
        aliases=cast("Mapping[str, str]", row["aliases"]),
        allowed_routes=tuple(row["allowed_routes"]),
        tags=tuple(row["tags"]),
        metadata=cast("Mapping[str, object]", row["metadata"]),
        limits=Limits(budget_started_at_ns=row["budget_started_at"] or 0, **{name: row[name] for name in _LIMITS}),
        blocked=row["blocked"],
        expires_at_ns=row["expires_at"],
        created_at_ns=row["created_at"],
        created_by=row["created_by"],
        updated_at_ns=row["updated_at"],
        updated_by=row["updated_by"],
        version=row["version"],
    )
