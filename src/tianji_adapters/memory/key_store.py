"""Virtual keys in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tianji_core.access.keys import KeyHash, KeyId, VirtualKey
from tianji_core.errors import ConflictError, NotFoundError
from tianji_core.ports.key_store import KeyFilter, KeyPage

_NS_PER_MICROSECOND = 1_000


class DeletedKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a key that was deleted."""

    key: VirtualKey
    deleted_at_ns: int
    deleted_by: str


@dataclass(slots=True)
class MemoryKeyStore:
    """Implements the `KeyStore` port. Instants lose their last three digits, as they do in SQL."""

    living: dict[KeyId, VirtualKey] = field(default_factory=dict)
    deleted: list[DeletedKey] = field(default_factory=list)

    async def by_hash(self, key_hash: KeyHash) -> VirtualKey | None:
        """Return the key with this hash."""
        return next((key for key in self.living.values() if key.hash == key_hash), None)

    async def by_id(self, key_id: KeyId) -> VirtualKey | None:
        """Return the key with this id."""
        return self.living.get(key_id)

    async def by_alias(self, alias: str) -> VirtualKey | None:
        """Return the key with this alias."""
        return next((key for key in self.living.values() if key.alias == alias), None)

    async def add(self, key: VirtualKey) -> None:
        """Store a new key."""
        if key.id in self.living:
            raise _key_exists()
        self._check_free(key)
        self.living[key.id] = _at_rest(key)

    async def put(self, key: VirtualKey, *, expected_version: int) -> None:
        """Replace a key whose stored version is the expected one; the stored version becomes the next."""
        stored = self.living.get(key.id)
        if stored is None or stored.version != expected_version:
            raise ConflictError(
                "the key was changed or deleted since it was read", hint="read it again and repeat the change", code="version_conflict"
            )
        self._check_free(key)
        self.living[key.id] = _at_rest(msgspec.structs.replace(key, version=expected_version + 1))

    async def replace_named(self, key: VirtualKey, alias: str) -> None:
        """Store `key` in the place of the living key of that alias."""
        old = await self.by_alias(alias)
        before = dict(self.living)
        if old is not None:
            del self.living[old.id]
        try:
            await self.add(key)
        except ConflictError:
            self.living = before
            raise
        if old is not None:
            self.deleted.append(DeletedKey(key=old, deleted_at_ns=key.created_at_ns, deleted_by=key.created_by))

    async def delete(self, key_ids: Sequence[KeyId], *, at_ns: int, by: str) -> None:
        """Remove the keys, all or none, keeping each in `deleted`."""
        wanted = sorted(set(key_ids))
        missing = [key_id for key_id in wanted if key_id not in self.living]
        if missing:
            raise NotFoundError(f"there is no key {missing[0]!r}; nothing was deleted", hint="GET /key/list shows the keys")
        self.deleted.extend(DeletedKey(key=self.living.pop(key_id), deleted_at_ns=at_ns, deleted_by=by) for key_id in wanted)

    async def page(self, wanted: KeyFilter, *, page: int, size: int) -> KeyPage:
        """Return one page, newest first."""
        found = [key for key in self.living.values() if _matches(key, wanted)]
        found.sort(key=lambda key: (key.created_at_ns, key.id), reverse=True)
        return KeyPage(keys=tuple(found[(page - 1) * size : page * size]), total=len(found))

    def _check_free(self, key: VirtualKey) -> None:
        others = [other for other in self.living.values() if other.id != key.id]
        if any(other.hash == key.hash for other in others):
            raise _key_exists()
        if key.alias is not None and any(other.alias == key.alias for other in others):
            raise ConflictError("another key has this alias", hint="choose another alias", param="key_alias", code="key_alias_exists")


def _key_exists() -> ConflictError:
    return ConflictError("this key exists", hint="choose another key, or let one be generated", param="key", code="key_exists")


def _matches(key: VirtualKey, wanted: KeyFilter) -> bool:
    same = ("user_id", "team_id", "organization_id", "hash", "alias")
    if any((value := getattr(wanted, name)) is not None and getattr(key, name) != value for name in same):
        return False
    if wanted.search is not None and (key.alias is None or wanted.search not in key.alias):
        return False
    expired = key.expires_at_ns is not None and key.expires_at_ns <= _whole_microseconds(wanted.now_ns)
    return wanted.expired is None or expired == wanted.expired


def _at_rest(key: VirtualKey) -> VirtualKey:
    return msgspec.structs.replace(
        key,
        expires_at_ns=None if key.expires_at_ns is None else _whole_microseconds(key.expires_at_ns),
        created_at_ns=_whole_microseconds(key.created_at_ns),
        updated_at_ns=_whole_microseconds(key.updated_at_ns),
        limits=msgspec.structs.replace(key.limits, budget_started_at_ns=_whole_microseconds(key.limits.budget_started_at_ns)),
    )


def _whole_microseconds(at_ns: int) -> int:
    return at_ns // _NS_PER_MICROSECOND * _NS_PER_MICROSECOND
