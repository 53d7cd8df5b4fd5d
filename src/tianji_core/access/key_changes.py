"""How a request becomes a key, and a key another key. Pure: time, ids and secrets arrive as arguments."""

from typing import Any

import msgspec
from msgspec import UNSET

from tianji_core.access.durations import after, parse_duration
from tianji_core.access.fields import unprocessable
from tianji_core.access.key_fields import NEVER, KeyFields
from tianji_core.access.keys import KeyId, VirtualKey, display_key, hash_key
from tianji_core.access.limits import Limits
from tianji_core.access.wire_values import nano
from tianji_core.errors import Fault

_COLUMNS = ("user_id", "team_id", "organization_id", "models", "aliases", "allowed_routes", "tags", "metadata", "blocked")
_CLEARED: dict[str, Any] = {"models": (), "aliases": {}, "allowed_routes": (), "tags": (), "metadata": {}}
_AMOUNTS = {"max_budget": "max_budget_nano", "soft_budget": "soft_budget_nano"}
_COUNTS = {"rpm_limit": "rpm", "tpm_limit": "tpm", "max_parallel_requests": "max_parallel"}
_NS_PER_MICROSECOND = 1_000
_FEWEST_CHARACTERS, _MOST_CHARACTERS, _FEWEST_DIFFERENT = 16, 256, 8
_PUBLISHED = frozenset({"sk-1234567890abcdef", "sk-your-api-key-here", "sk-your-master-key", "sk-proj-1234567890abcdef"})


def check_custom_key(text: str) -> str:
    """Return a key that the caller chose.

    Raises:
        UnprocessableError: it does not begin with `sk-`, is not 16–256 printable ASCII characters of at least 8 kinds, or is one that
            stands in public documentation.
    """
    printable = all("!" <= character <= "~" for character in text)
    if not text.startswith("sk-") or not printable or not _FEWEST_CHARACTERS <= len(text) <= _MOST_CHARACTERS:
        raise _bad_key("must begin with `sk-` and have 16 to 256 printable ASCII characters")
    if len(set(text)) < _FEWEST_DIFFERENT or text in _PUBLISHED:
        raise _bad_key("is too easy to guess")
    return text


def create_key(fields: KeyFields, *, text: str, key_id: KeyId, now_ns: int, actor: str) -> VirtualKey:
    """Return the row of a new key whose text is `text`.

    Raises:
        UnprocessableError: `soft_budget` is not below `max_budget`.
    """
    blank = VirtualKey(
        id=key_id,
        hash=hash_key(text),
        display=display_key(text),
        created_at_ns=now_ns,
        created_by=actor,
        updated_at_ns=now_ns,
        updated_by=actor,
    )
    return msgspec.structs.replace(blank, **_columns(fields, now_ns), limits=change_limits(Limits(), fields, now_ns=now_ns))


def change_key(key: VirtualKey, fields: KeyFields, *, now_ns: int, actor: str) -> VirtualKey:
    """Return the key after a merge patch: what was not mentioned stays, null clears, the version grows by one.

    Raises:
        UnprocessableError: `soft_budget` would not be below `max_budget`.
    """
    return msgspec.structs.replace(
        key,
        **_columns(fields, now_ns),
        limits=change_limits(key.limits, fields, now_ns=now_ns),
        updated_at_ns=now_ns,
        updated_by=actor,
        version=key.version + 1,
    )


def change_limits(limits: Limits, fields: KeyFields, *, now_ns: int) -> Limits:
    """Return the limits after a merge patch.

    Where a budget begins or its duration becomes another, a window begins now; the same duration said anew begins none.

    Raises:
        UnprocessableError: `soft_budget` would not be below `max_budget`.
    """
    changes: dict[str, Any] = {}
    for name, column in _AMOUNTS.items():
        if (amount := getattr(fields, name)) is not UNSET:
            changes[column] = None if amount is None else nano(amount)
    changes |= {column: getattr(fields, name) for name, column in _COUNTS.items() if getattr(fields, name) is not UNSET}
    if fields.token_rate_limit_type is not UNSET:
        changes["tpm_part"] = fields.token_rate_limit_type or "total"
    if fields.budget_duration is not UNSET:
        changes["budget_duration"] = fields.budget_duration
    changed = msgspec.structs.replace(limits, **changes)
    if not changed.has_budget:
        changed = msgspec.structs.replace(changed, budget_started_at_ns=0)
    elif not limits.has_budget or not _is_same(limits.budget_duration, changed.budget_duration):
        # In whole microseconds, as it rests: the beginning is the name of the window.
        began_ns = now_ns // _NS_PER_MICROSECOND * _NS_PER_MICROSECOND
        changed = msgspec.structs.replace(changed, budget_started_at_ns=began_ns)
    soft, most = changed.soft_budget_nano, changed.max_budget_nano
    if soft is not None and most is not None and soft >= most:
        raise unprocessable([Fault("soft_budget", "`soft_budget` must be below `max_budget`", "invalid_value")])
    return changed


def _is_same(old: str | None, new: str | None) -> bool:
    if old is None or new is None:
        return old is new
    return parse_duration(old) == parse_duration(new)


def _columns(fields: KeyFields, now_ns: int) -> dict[str, Any]:
    found = {name: getattr(fields, name) for name in _COLUMNS if getattr(fields, name) is not UNSET}
    columns = {name: _CLEARED.get(name) if value is None else value for name, value in found.items()}
    if fields.key_alias is not UNSET:
        columns["alias"] = fields.key_alias
    if fields.key_type is not UNSET and "allowed_routes" not in columns:
        columns["allowed_routes"] = ("llm_api_routes",) if fields.key_type == "llm_api" else ()
    if fields.duration is not UNSET:
        lasts = fields.duration is not None and fields.duration != NEVER
        columns["expires_at_ns"] = after(now_ns, parse_duration(str(fields.duration))) if lasts else None
    return columns


def _bad_key(reason: str) -> Exception:
    return unprocessable([Fault("key", f"`key` {reason}", "invalid_value")])
