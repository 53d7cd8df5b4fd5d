"""Where virtual keys live."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tianji_core.access.keys import KeyHash, KeyId, VirtualKey


class KeyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys a list holds; every field given must match. `search` is part of an alias, case-sensitive."""

    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    hash: KeyHash | None = None
    alias: str | None = None
    search: str | None = None
    expired: bool | None = None
    now_ns: int = 0


class KeyPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of keys, newest first (`created_at_ns`, then `id`, both descending), and how many there are in all."""

    keys: tuple[VirtualKey, ...]
    total: int


class KeyStore(Protocol):
    """Living keys. Every method raises DependencyUnavailableError when the store cannot be asked."""

    async def by_hash(self, key_hash: KeyHash) -> VirtualKey | None:
        """Return the key with this hash. The value reaches the store as a bound parameter only."""
        ...

    async def by_id(self, key_id: KeyId) -> VirtualKey | None: ...

    async def by_alias(self, alias: str) -> VirtualKey | None: ...

    async def add(self, key: VirtualKey) -> None:
        """Store a new key. Raises ConflictError (`key_exists`, `key_alias_exists`) when hash or alias is taken."""
        ...

    async def put(self, key: VirtualKey, *, expected_version: int) -> None:
        """Replace a key whose stored version is `expected_version`, atomically.

        Raises ConflictError (`version_conflict`) when it has another version or is gone, (`key_alias_exists`) when the alias is taken.
        """
        ...

    async def replace_named(self, key: VirtualKey, alias: str) -> None:
        """Store `key`, deleting a living key of that alias in the same transaction (the quickstart key at each start)."""
        ...

    async def delete(self, key_ids: Sequence[KeyId], *, at_ns: int, by: str) -> None:
        """Remove the keys, all or none, keeping each row as JSON in `deleted_entities` in the same transaction.

        Raises NotFoundError when one of them is not there; then nothing was removed.
        """
        ...

    async def page(self, wanted: KeyFilter, *, page: int, size: int) -> KeyPage:
        """Return page `page` (from 1) of `size` keys."""
        ...
