"""What each key has spent, as far as this process knows it without asking the store at every call."""

from collections import OrderedDict
from dataclasses import dataclass, field

import anyio

from tianji_core.access.keys import KeyId, VirtualKey
from tianji_core.errors import DependencyUnavailableError
from tianji_core.ports.spend_store import SpendStore

MOST_KEYS = 100_000
RETRY_SECONDS = 30.0
_PATIENCE_SECONDS = 0.5


@dataclass(slots=True)
class _Known:
    """Of one version of a key: an admin can set its spend anew, and each change makes a version."""

    version: int
    loaded_nano: int | None = None
    settled_nano: int = 0
    ask_again_at: float = 0.0


@dataclass(slots=True)
class KeySpend:
    """The store's sum when a key was first seen, and what was settled here since. Amounts are nano-USD.

    It is shown to callers and decides nothing. What was on its way to the ledger while a sum was read can be missing from it.
    """

    most_keys: int = MOST_KEYS
    _known: OrderedDict[KeyId, _Known] = field(default_factory=OrderedDict)

    async def learn(self, store: SpendStore, key: VirtualKey, *, now: float) -> None:
        """Read the sum of a key that is new here. `now` is monotonic; a store that is away is asked again half a minute later."""
        known = self._known.get(key.id)
        if known is None or known.version != key.version:
            known = self._known[key.id] = _Known(key.version)
            if len(self._known) > self.most_keys:
                self._known.popitem(last=False)
        self._known.move_to_end(key.id)
        if known.loaded_nano is not None or now < known.ask_again_at:
            return
        known.ask_again_at, known.settled_nano = now + RETRY_SECONDS, 0
        with anyio.move_on_after(_PATIENCE_SECONDS):  # a number to show is not worth a call's time
            try:
                spent = await store.key_spend_nano([key.id])
            except DependencyUnavailableError:
                return  # nobody is told a number then
            known.loaded_nano = spent.get(key.id, 0)

    def settled(self, key: VirtualKey, nano: int) -> None:
        """Add what a call cost."""
        known = self._known.get(key.id)
        if known is not None:
            known.settled_nano += nano

    def spent_nano(self, key: VirtualKey) -> int | None:
        """Return what the key has spent, or None where nobody knows."""
        known = self._known.get(key.id)
        return None if known is None or known.loaded_nano is None else known.loaded_nano + known.settled_nano
