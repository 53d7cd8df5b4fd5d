"""How a request becomes a key, and a key another key. Pure: time, ids and secrets arrive as arguments."""

from typing import Any

import msgspec
from msgspec import UNSET

from tianji_core.access.durations import after, parse_duration
from tianji_core.access.fields import unprocessable
from tianji_core.access.key_fields import NEVER, KeyFields
from tianji_core.access.keys import KeyId, VirtualKey, display_key, hash_key
from tianji_core.errors import Fault

_COLUMNS = ("user_id", "team_id", "organization_id", "models", "aliases", "allowed_routes", "tags", "metadata", "blocked")
_CLEARED: dict[str, Any] = {"models": (), "aliases": {}, "allowed_routes": (), "tags": (), "metadata": {}}
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
    """Return the row of a new key whose text is `text`."""
    blank = VirtualKey(
        id=key_id,
        hash=hash_key(text),
        display=display_key(text),
        created_at_ns=now_ns,
        created_by=actor,
        updated_at_ns=now_ns,
        updated_by=actor,
    )
    return msgspec.structs.replace(blank, **_columns(fields, now_ns))


def change_key(key: VirtualKey, fields: KeyFields, *, now_ns: int, actor: str) -> VirtualKey:
    """Return the key after a merge patch: what was not mentioned stays, null clears, the version grows by one."""
    return msgspec.structs.replace(key, **_columns(fields, now_ns), updated_at_ns=now_ns, updated_by=actor, version=key.version + 1)


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
