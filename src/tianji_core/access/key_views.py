"""A key as the management routes show it. Field names are those that LiteLLM's clients read; what is not built is null or empty."""

from collections.abc import Mapping

from tianji_core.access.keys import VirtualKey
from tianji_core.access.wire_values import instant, usd

Document = dict[str, object]

_NOT_BUILT: Mapping[str, object] = {
    "max_budget": None,
    "soft_budget": None,
    "budget_id": None,
    "budget_duration": None,
    "budget_reset_at": None,
    "tpm_limit": None,
    "rpm_limit": None,
    "max_parallel_requests": None,
    "litellm_budget_table": None,
    "object_permission": None,
}


def key_row(key: VirtualKey, spend_nano: int, *, money_as_text: bool) -> Document:
    """Return the row without the hash, as `/key/info` shows it."""
    return {
        "id": key.id,
        "key_name": key.display,
        "key_alias": key.alias,
        "spend": usd(spend_nano, as_text=money_as_text),
        "expires": None if key.expires_at_ns is None else instant(key.expires_at_ns),
        "models": list(key.models),
        "aliases": dict(key.aliases),
        "user_id": key.user_id,
        "team_id": key.team_id,
        "organization_id": key.organization_id,
        "allowed_routes": list(key.allowed_routes),
        "tags": list(key.tags),
        "metadata": dict(key.metadata),
        "blocked": key.blocked,
        **_NOT_BUILT,
        "config": {},
        "permissions": {},
        "model_max_budget": {},
        "model_spend": {},
        "allowed_cache_controls": [],
        "created_at": instant(key.created_at_ns),
        "created_by": key.created_by,
        "updated_at": instant(key.updated_at_ns),
        "updated_by": key.updated_by,
        "version": key.version,
    }


def full_row(key: VirtualKey, spend_nano: int, *, money_as_text: bool) -> Document:
    """Return the row with the hash, as lists and changes show it."""
    return {"token": key.hash, **key_row(key, spend_nano, money_as_text=money_as_text)}


def new_key_answer(key: VirtualKey, text: str, spend_nano: int, *, money_as_text: bool) -> Document:
    """Return the answer of `/key/generate`: the only one that holds the text of a key."""
    return {"key": text, "token_id": key.hash, **full_row(key, spend_nano, money_as_text=money_as_text)}
