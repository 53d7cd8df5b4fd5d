"""One settled call or billed attempt, as it rests in the ledger.

The key is `(day, call_id, seq)`: `seq` 0 is the call itself, with its last attempt (the only row that counts as a request); 1–99 are
earlier attempts that were billed; 100 + r is correction r. `day` follows from the UUIDv7 `call_id`. All rows of one call are stored in
one transaction.
"""

from datetime import UTC, date, datetime, timedelta

import msgspec

from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent, UsageSource
from tianji_core.calls.usage import Usage
from tianji_core.limits.owners import lifetime_window
from tianji_core.limits.windows import BudgetWindow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SpendRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of the ledger. In the journal it rests by its fields' names, without those that have their default: a default stays as it is.

    Attributes:
        event: The whole call, for the columns that describe it. For `seq` > 0 its usage and cost are those of the row, not of the call.
        windows: The budget windows of the call's admission, to which the row is booked however late it is settled.
    """

    seq: int
    event: CallEvent
    windows: tuple[BudgetWindow, ...] = ()

    @property
    def call_id(self) -> str:
        """The call's UUIDv7 text."""
        return self.event.call_id

    @property
    def day(self) -> date:
        """The UTC day on which the call began."""
        return day_of(self.event.call_id)

    @property
    def usage(self) -> Usage:
        """What this row used."""
        return self.event.usage

    @property
    def usage_source(self) -> UsageSource:
        """Who counted it."""
        return self.event.usage_source

    @property
    def cost(self) -> Cost:
        """What this row cost."""
        return self.event.cost

    @property
    def bookings(self) -> tuple[BudgetWindow, ...]:
        """The windows whose sum grows by the row: its own ones that end, and for a key's row outside of them the one that does not.

        So the windows of a key add up to its lifetime spend. A budget without an end has no sum of its own: it is the lifetime spend.
        """
        ending = tuple(dict.fromkeys(window for window in self.windows if window.ends_at_ns is not None))
        if not self.event.key_id:
            return ending
        outside = lifetime_window(self.event.key_id)
        is_inside = any((window.scope, window.limit_key) == (outside.scope, outside.limit_key) for window in ending)
        return ending if is_inside else (*ending, outside)


def day_of(call_id: str) -> date:
    """Return the UTC day in the first 48 bits (milliseconds since the epoch) of a UUIDv7 (RFC 9562, section 5.7)."""
    milliseconds = int(call_id.replace("-", "")[:12], 16)
    return (_EPOCH + timedelta(milliseconds=milliseconds)).date()
