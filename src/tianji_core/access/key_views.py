"""A key as the management routes show it. Field names are those that LiteLLM's clients read; what is not built is null or empty."""

from collections.abc import Mapping

from msgspec import Struct

from tianji_core.access.keys import VirtualKey
from tianji_core.access.wire_values import instant, usd

Document = dict[str, object]

_NOT_BUILT: Mapping[str, object] = {
    "budget_id": None,
    "litellm_budget_table": None,
    "object_permission": None,
}


class SpendShown(Struct, frozen=True, kw_only=True):
    """What a key has spent, in nano-USD.

    Attributes:
        spend_nano: In its current budget window, where its budget has a duration; else in its lifetime.
        total_nano: In its lifetime.
        resets_at_ns: When the window ends; None where it does not.
    """

    spend_nano: int = 0
    total_nano: int = 0
    resets_at_ns: int | None = None


def key_row(key: VirtualKey, spent: SpendShown, *, money_as_text: bool) -> Document:
    """Return the row without the hash, as `/key/info` shows it."""
    return {
        "id": key.id,
        "key_name": key.display,
        "key_alias": key.alias,
        "spend": usd(spent.spend_nano, as_text=money_as_text),
        "total_spend": usd(spent.total_nano, as_text=money_as_text),
        "expires": _instant(key.expires_at_ns),
        "models": list(key.models),
        "aliases": dict(key.aliases),
        "user_id": key.user_id,
        "team_id": key.team_id,
        "organization_id": key.organization_id,
        "allowed_routes": list(key.allowed_routes),
        "tags": list(key.tags),
        "metadata": dict(key.metadata),
        "blocked": key.blocked,
        "max_budget": _usd(key.limits.max_budget_nano, as_text=money_as_text),
        "soft_budget": _usd(key.limits.soft_budget_nano, as_text=money_as_text),
        "budget_duration": key.limits.budget_duration,
        "budget_reset_at": _instant(spent.resets_at_ns),
        "rpm_limit": key.limits.rpm,
        "tpm_limit": key.limits.tpm,
        "token_rate_limit_type": key.limits.tpm_part,
        "max_parallel_requests": key.limits.max_parallel,
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


def full_row(key: VirtualKey, spent: SpendShown, *, money_as_text: bool) -> Document:
    """Return the row with the hash, as lists and changes show it."""
    return {"token": key.hash, **key_row(key, spent, money_as_text=money_as_text)}


def new_key_answer(key: VirtualKey, text: str, spent: SpendShown, *, money_as_text: bool) -> Document:
    """Return the answer of `/key/generate`: the only one that holds the text of a key."""
    return {"key": text, "token_id": key.hash, **full_row(key, spent, money_as_text=money_as_text)}


def _usd(amount_nano: int | None, *, as_text: bool) -> float | str | None:
    return None if amount_nano is None else usd(amount_nano, as_text=as_text)


def _instant(at_ns: int | None) -> str | None:
    return None if at_ns is None else instant(at_ns)
