"""Finding one key and writing it back, so that no change of somebody else is lost and nobody keeps using the old one."""

from collections.abc import Callable
from dataclasses import dataclass

from tianji_app.use_cases.key_cache import KeyCache
from tianji_core.access.key_queries import KeyReference, key_reference, shown
from tianji_core.access.keys import VirtualKey
from tianji_core.access.versions import check_version
from tianji_core.errors import ConflictError, InvalidRequestError, NotFoundError
from tianji_core.ports.key_store import KeyStore

_MOST_TRIES = 20

Change = Callable[[VirtualKey], VirtualKey]


@dataclass(slots=True)
class KeyWrites:
    """The store and the cache that must hear of every write to it."""

    store: KeyStore
    cache: KeyCache

    async def find(self, reference: KeyReference | None) -> VirtualKey | None:
        """Return the key that is meant, read from the store."""
        if reference is None:
            return None
        if reference.hash is not None:
            return await self.store.by_hash(reference.hash)
        return None if reference.id is None else await self.store.by_id(reference.id)

    async def named(self, text: str) -> VirtualKey:
        """Return the key that a text names.

        Raises:
            InvalidRequestError: the text cannot name a key.
            NotFoundError: there is none.
        """
        reference = key_reference(text)
        if reference is None:
            raise InvalidRequestError("`key` is neither a key nor its hash nor its id", param="key", code="invalid_key_format")
        return _existing(await self.find(reference), text)

    async def aliased(self, alias: str) -> VirtualKey:
        """Return the key with this alias.

        Raises:
            NotFoundError: there is none.
        """
        return _existing(await self.store.by_alias(alias), alias)

    async def change(self, key: VirtualKey, change: Change, *, if_match: str | None = None, expected: int | None = None) -> VirtualKey:
        """Store what `change` makes of the key, and return it.

        Without a version from the caller a change that lost a race is made again on what the winner left, so that different fields of
        both survive.

        Raises:
            PreconditionFailedError: the caller named a version, and the key is at another.
            NotFoundError: the key was deleted meanwhile.
            ConflictError: (`key_alias_exists`), or (`version_conflict`) it lost too many races.
        """
        current = key
        for _ in range(_MOST_TRIES):
            check_version(current.version, if_match=if_match, expected=expected)
            try:
                return await self._put(current, change(current))
            except ConflictError as error:
                if error.code != "version_conflict":
                    raise
            current = _existing(await self.store.by_id(key.id), key.id)
        raise ConflictError("the key is being changed by too many at once", hint="try again", code="version_conflict")

    async def _put(self, old: VirtualKey, new: VirtualKey) -> VirtualKey:
        try:
            await self.store.put(new, expected_version=old.version)
        finally:  # also when nobody knows whether it was stored
            self.cache.invalidate(old.hash)
        return new


def _existing(key: VirtualKey | None, text: str) -> VirtualKey:
    if key is None:
        raise NotFoundError(f"there is no key `{shown(text)}`", hint="GET /key/list shows the keys", param="key")
    return key
