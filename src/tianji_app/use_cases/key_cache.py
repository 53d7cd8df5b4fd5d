"""Keys that this process has seen. Entries have no time limit: whoever writes a key in this process says so here.

A load that was overtaken by a write is thrown away and read again, so that nothing older than the last write is ever kept.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

import anyio

from tianji_core.access.keys import KeyHash, VirtualKey
from tianji_core.errors import DependencyUnavailableError
from tianji_core.ports.clock import Clock
from tianji_core.ports.key_store import KeyStore

MOST_KEYS = 100_000
_MOST_UNKNOWN = 10_000
_UNKNOWN_SECONDS = 5.0
_MOST_LOADS = 4


@dataclass(slots=True)
class _Load:
    """A look-up that is on its way. `outcome` is `found` only where nothing was written meanwhile."""

    ended: anyio.Event = field(default_factory=anyio.Event)
    is_stale: bool = False
    outcome: str = "abandoned"
    key: VirtualKey | None = None


@dataclass(slots=True)
class KeyCache:
    """Finds keys by their hash: known ones without the store, unknown ones with at most four look-ups at a time, each hash once."""

    store: KeyStore
    clock: Clock
    most_keys: int = MOST_KEYS
    _known: OrderedDict[KeyHash, VirtualKey] = field(default_factory=OrderedDict)
    _unknown_until: OrderedDict[KeyHash, float] = field(default_factory=OrderedDict)
    _loads: dict[KeyHash, _Load] = field(default_factory=dict)
    _slots: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_MOST_LOADS))

    def remembers(self, key_hash: KeyHash) -> bool:
        """Whether `find` answers without the store."""
        return key_hash in self._known or self._is_unknown(key_hash)

    def invalidate(self, *key_hashes: KeyHash) -> None:
        """Forget keys that were written, and what look-ups on their way will say of them."""
        for key_hash in key_hashes:
            self._known.pop(key_hash, None)
            self._unknown_until.pop(key_hash, None)
            if load := self._loads.get(key_hash):
                load.is_stale = True

    async def find(self, key_hash: KeyHash) -> VirtualKey | None:
        """Return the key, or None where there is none.

        Raises:
            DependencyUnavailableError: (`auth_unavailable`) the key is not remembered and the store is away.
        """
        while True:
            if key := self._known.get(key_hash):
                self._known.move_to_end(key_hash)
                return key
            if self._is_unknown(key_hash):
                return None
            load = await self._shared_load(key_hash)
            if load.outcome == "found":
                return load.key
            if load.outcome == "unavailable":
                raise DependencyUnavailableError(
                    "the API key cannot be checked now: the database does not answer",
                    hint="try again; keys used before keep working",
                    code="auth_unavailable",
                    retry_after_seconds=5,
                )

    async def _shared_load(self, key_hash: KeyHash) -> _Load:
        running = self._loads.get(key_hash)
        if running is not None:
            await running.ended.wait()
            return running
        load = self._loads[key_hash] = _Load()
        try:
            await self._perform(load, key_hash)
        finally:
            del self._loads[key_hash]
            load.ended.set()
        return load

    async def _perform(self, load: _Load, key_hash: KeyHash) -> None:
        try:
            async with self._slots:
                load.is_stale = False
                load.key = await self.store.by_hash(key_hash)
        except DependencyUnavailableError:
            load.outcome = "unavailable"
            return
        if not load.is_stale:
            load.outcome = "found"
            self._keep(key_hash, load.key)

    def _keep(self, key_hash: KeyHash, key: VirtualKey | None) -> None:
        if key is not None:
            self._known[key_hash] = key
            if len(self._known) > self.most_keys:
                self._known.popitem(last=False)
            return
        self._unknown_until[key_hash] = self.clock.monotonic() + _UNKNOWN_SECONDS
        if len(self._unknown_until) > _MOST_UNKNOWN:
            self._unknown_until.popitem(last=False)

    def _is_unknown(self, key_hash: KeyHash) -> bool:
        until = self._unknown_until.get(key_hash)
        if until is None:
            return False
        if self.clock.monotonic() < until:
            self._unknown_until.move_to_end(key_hash)
            return True
        del self._unknown_until[key_hash]
        return False
