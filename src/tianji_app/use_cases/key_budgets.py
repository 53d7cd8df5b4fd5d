"""What keys have spent of their budgets, as management routes show it and change it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_app.call.admission import CallAdmission
from tianji_core.access.key_views import SpendShown
from tianji_core.access.keys import KeyId, VirtualKey
from tianji_core.access.principal import Principal
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.owners import lifetime_window
from tianji_core.ports.spend_store import SpendStore


@dataclass(slots=True)
class KeyBudgets:
    """The counters of calls and the store behind them."""

    admission: CallAdmission
    spend: SpendStore

    async def shown(self, key: VirtualKey) -> SpendShown:
        """Return what one key has spent."""
        return (await self.shown_of([key]))[key.id]

    async def shown_of(self, keys: Sequence[VirtualKey]) -> dict[KeyId, SpendShown]:
        """Return what keys have spent: where somebody counts it, that; else what is stored.

        Raises:
            DependencyUnavailableError: the store is away.
        """
        stored = await self.spend.key_spend_nano([key.id for key in keys])
        current = await self.admission.spent([Principal(role="key", key=key) for key in keys])
        return {key.id: _shown(stored.get(key.id, 0), current.get(_scope(key))) for key in keys}

    async def adjust(self, key: VirtualKey, *, to_nano: int) -> None:
        """Set what a key shows as spent: in its current window, where its budget has a duration, else in its lifetime.

        It is stored first; then whoever counts hears of it, so that the next call of the key is admitted by it.

        Raises:
            DependencyUnavailableError: the store is away; nothing has changed.
        """
        current = (await self.admission.spent([Principal(role="key", key=key)])).get(_scope(key))
        if current is None:
            await self.spend.adjust_key_spend(key.id, to_nano=to_nano)
            return
        stored = await self.spend.adjust_window(current.window, to_nano=to_nano, counted_nano=current.spent_nano)
        await self.admission.counters.seed([stored])


def _scope(key: VirtualKey) -> str:
    return lifetime_window(key.id).scope


def _shown(lifetime_nano: int, current: WindowSpend | None) -> SpendShown:
    if current is None:
        return SpendShown(spend_nano=lifetime_nano, total_nano=lifetime_nano)
    if current.window.ends_at_ns is None:
        return SpendShown(spend_nano=current.shown_nano, total_nano=current.shown_nano)
    return SpendShown(spend_nano=current.shown_nano, total_nano=lifetime_nano, resets_at_ns=current.window.ends_at_ns)
