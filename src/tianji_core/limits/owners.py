"""Who is limited: every identity that a call spends for. Admission, booking and `/key/info` all ask the same registry."""

from collections.abc import Callable
from typing import Literal

import msgspec

from tianji_core.access.limits import Limits
from tianji_core.access.principal import Principal
from tianji_core.limits.windows import TOTAL, BudgetWindow

Level = Literal["key"]
KEY_SCOPE = "k:"
"""How the name of a key's counters begins; its id follows."""


class LimitOwner(msgspec.Struct, frozen=True, kw_only=True):
    """One identity with limits.

    Attributes:
        pk: Its own id, which is never used again.
        scope: The name of its counters: `k:<pk>` for a key.
        shown: How a message to the caller names it, or None where the caller may not know which it is.
    """

    level: Level
    pk: str
    scope: str
    limits: Limits
    shown: str | None = None


def owners_of(principal: Principal) -> tuple[LimitOwner, ...]:
    """Return everybody whose limits a call of this caller counts against; the master key has none."""
    return tuple(owner for find in _REGISTRY if (owner := find(principal)) is not None)


def lifetime_window(key_id: str) -> BudgetWindow:
    """Return the window of everything that a key ever spends; any other of its windows without an end holds the same."""
    return BudgetWindow(scope=KEY_SCOPE + key_id, limit_key=TOTAL, starts_at_ns=0)


def _key(principal: Principal) -> LimitOwner | None:
    key = principal.key
    if key is None:
        return None
    shown = f'key "{key.alias}"' if key.alias else f"key {key.display}"
    return LimitOwner(level="key", pk=key.id, scope=KEY_SCOPE + key.id, limits=key.limits, shown=shown)


_REGISTRY: tuple[Callable[[Principal], LimitOwner | None], ...] = (_key,)
