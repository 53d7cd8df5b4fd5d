"""The query of `/key/list`, and the bodies that name keys."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tianji_core.access.fields import FieldReader, each, is_empty, unprocessable
from tianji_core.access.keys import KeyHash, KeyId, hash_key, is_hash
from tianji_core.access.public_ids import public_id
from tianji_core.errors import Fault

_DEEPEST = 10_000
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Query = Sequence[tuple[str, str]]


class KeyReference(msgspec.Struct, frozen=True):
    """Which key is meant: one of the two is given."""

    hash: KeyHash | None = None
    id: KeyId | None = None


class KeyListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What `/key/list` is asked. `is_expired` is None for both."""

    page: int = 1
    size: int = 10
    return_full_object: bool = False
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    hash: KeyHash | None = None
    alias: str | None = None
    search: str | None = None
    is_expired: bool | None = None
    ignored: tuple[str, ...] = ()


class KeyNames(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys a deletion names."""

    keys: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def key_reference(text: str) -> KeyReference | None:
    """Return which key a text names: the key itself, its hash, or its id. None where it can be none of them."""
    if text.startswith("sk-"):
        return KeyReference(hash=hash_key(text))
    if is_hash(text):
        return KeyReference(hash=KeyHash(text))
    return KeyReference(id=KeyId(text)) if _UUID.fullmatch(text) else None


def shown(text: str) -> str:
    """Return how a message may name what the caller sent: never the text of a key."""
    return "sk-..." + text[-4:] if text.startswith("sk-") else text[:64]


def _key_hash(text: str) -> KeyHash:
    reference = key_reference(text)
    if reference is None or reference.hash is None:
        raise ValueError("must be a key or its hash")
    return reference.hash


_Count = Annotated[int, Meta(ge=1)]
_Size = Annotated[int, Meta(ge=1, le=100)]
_State = Literal["active", "expired"]
_QUERY: Mapping[str, tuple[Any, Any]] = {
    "page": (_Count, None),
    "size": (_Size, None),
    "page_size": (_Size, None),
    "user_id": (str, public_id),
    "team_id": (str, public_id),
    "organization_id": (str, public_id),
    "key_hash": (str, _key_hash),
    "key_alias": (str, public_id),
    "search": (str, public_id),
    "substring_matching": (bool, None),
    "return_full_object": (bool, None),
    "include_team_keys": (bool, None),
    "include_created_by_keys": (bool, None),
    "status": (_State, None),
    "expires": (_State, None),
    "sort_by": (Literal["created_at"], None),
    "sort_order": (Literal["desc"], None),
}
_NOT_BUILT = frozenset({"project_id", "agent_id", "access_group_id", "cursor", "expand", "expand[]"})


def read_list_query(query: Query) -> KeyListQuery:
    """Read the query of `/key/list`. `include_*` widen nothing: an admin sees every key anyway.

    Raises:
        UnprocessableError: a parameter has the wrong type or range, or is not built.
    """
    reader = FieldReader()
    found: dict[str, Any] = {}
    for name, value in query:
        if name in _NOT_BUILT and value:
            reader.unsupported(name)
        elif name in _QUERY and value:
            kind, check = _QUERY[name]
            found[name] = reader.read(name, _literal(kind, value), kind, check)
    reader.finish()
    wanted = KeyListQuery(
        page=found.get("page", 1),
        size=found.get("size", found.get("page_size", 10)),
        return_full_object=found.get("return_full_object", False),
        user_id=found.get("user_id"),
        team_id=found.get("team_id"),
        organization_id=found.get("organization_id"),
        hash=found.get("key_hash"),
        alias=None if found.get("substring_matching") else found.get("key_alias"),
        search=found.get("search", found.get("key_alias") if found.get("substring_matching") else None),
        is_expired=_is_expired(found.get("status"), found.get("expires")),
        ignored=tuple(name for name, _ in query if name not in _QUERY and name not in _NOT_BUILT),
    )
    if wanted.page * wanted.size > _DEEPEST:
        raise unprocessable([Fault("page", f"`page` times `size` must be at most {_DEEPEST}; filter the list instead", "invalid_value")])
    return wanted


def _literal(kind: Any, value: str) -> object:
    """A query has texts only; LiteLLM's clients write booleans as `true` and `True`."""
    if kind is bool:
        return {"true": True, "false": False, "1": True, "0": False}.get(value.lower(), value)
    return int(value) if kind in (_Count, _Size) and re.fullmatch(r"-?[0-9]{1,9}", value) else value


def _is_expired(status: str | None, expires: str | None) -> bool | None:
    if status and expires and status != expires:
        raise unprocessable([Fault("expires", "`expires` contradicts `status`", "invalid_value")])
    state = status or expires
    return None if state is None else state == "expired"


_Many = Annotated[tuple[str, ...], Meta(max_length=1000)]


def read_key_names(body: Mapping[str, object]) -> KeyNames:
    """Read the body of `/key/delete`: `keys`, `key_aliases` or both.

    Raises:
        UnprocessableError: a field has the wrong type, or no key is named.
    """
    reader = FieldReader()
    known = {"keys": None, "key_aliases": each(public_id)}
    given = {name: reader.read(name, body[name], _Many, check) for name, check in known.items() if not is_empty(body.get(name))}
    reader.finish()
    if not given:
        raise unprocessable([Fault("keys", "`keys` or `key_aliases` must name at least one key", "missing_field")])
    return KeyNames(
        keys=tuple(dict.fromkeys(given.get("keys", ()))),
        aliases=tuple(dict.fromkeys(given.get("key_aliases", ()))),
        ignored=tuple(name for name in body if name not in known),
    )


def read_key_name(body: Mapping[str, object]) -> str:
    """Read the body of `/key/block` and `/key/unblock`.

    Raises:
        UnprocessableError: `key` is missing or no text.
    """
    reader = FieldReader()
    name = reader.read("key", body.get("key"), str)
    reader.finish()
    return str(name)
