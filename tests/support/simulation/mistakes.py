"""Gateways with a mistake in them, each of a kind that no test of one call would notice. The simulation must."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType

import msgspec

from support.simulation.parts import Kit
from support.simulation.store import SimulatedDatabase
from tianji_adapters.system import journal_files
from tianji_app.call.account import Account
from tianji_app.call.reservation import Reservation
from tianji_app.call.settlement import Bill
from tianji_app.gateway import CallGateway, OpenedCall
from tianji_core.access.limits import Limits
from tianji_core.calls.events import CallStatus
from tianji_core.limits.current_windows import CurrentWindows
from tianji_core.limits.windows import BudgetWindow, Calendar
from tianji_core.ports.gateway import CallStream, Inbound
from tianji_core.spend.record import SpendRecord
from tianji_core.spend.replay import InterruptedBilling, PriceOf, Running


class _KeepingCall(OpenedCall):
    async def _settle(self, status: CallStatus, error: BaseException | None) -> None:
        self.is_left = status == "cancelled"
        await super()._settle(status, error)

    async def _give_back(self, reservation: Reservation, bill: Bill) -> None:
        if not self.is_left:
            await super()._give_back(reservation, bill)


class KeepsReservations(CallGateway):
    """Does not give back what a call held whose caller left."""

    def open(self, inbound: Inbound, call_id: str) -> AbstractAsyncContextManager[CallStream]:
        return _KeepingCall(self, Account(call_id=call_id, inbound=inbound, started_at_ns=self.clock.now_ns()))


class _LateCall(OpenedCall):
    async def __aenter__(self) -> CallStream:
        stream = await super().__aenter__()
        self.ending: tuple[CallStatus, BaseException | None] | None = None
        self._stream.settle = self._remember  # type: ignore[union-attr]
        return stream

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self.ending is not None:
                await self._settle(*self.ending)
        finally:
            await super().__aexit__(kind, error, trace)

    async def _remember(self, status: CallStatus, error: BaseException | None) -> None:
        self.ending = status, error


class SettlesAfterAnswer(CallGateway):
    """Writes the account when the last piece has left."""

    def open(self, inbound: Inbound, call_id: str) -> AbstractAsyncContextManager[CallStream]:
        return _LateCall(self, Account(call_id=call_id, inbound=inbound, started_at_ns=self.clock.now_ns()))


@dataclass(slots=True)
class BooksAgain(SimulatedDatabase):
    """Adds a row that it knows to its window once more."""

    def _add_one(self, record: SpendRecord) -> None:
        is_known = (record.day, record.call_id, record.seq) in self.ledger
        SimulatedDatabase._add_one(self, record)
        if is_known:
            for window in record.bookings:
                self.windows.book(window, record.cost.total_nano)


@dataclass(slots=True)
class ResetsTwice(CurrentWindows):
    """Begins a window anew at its middle."""

    def at(self, scope: str, limit_key: str, limits: Limits, calendar: Calendar, now_ns: int) -> BudgetWindow:
        window = CurrentWindows.at(self, scope, limit_key, limits, calendar, now_ns)
        if window.ends_at_ns is None:
            return window
        middle = (window.starts_at_ns + window.ends_at_ns) // 2
        return window if now_ns < middle else msgspec.structs.replace(window, starts_at_ns=middle)

    def adopt(self, stored: BudgetWindow, limits: Limits, now_ns: int) -> bool:
        return False


def rows_again(rows_of: Callable[..., tuple[SpendRecord, ...]]) -> Callable[..., tuple[SpendRecord, ...]]:
    """Return a replay that gives an interrupted call a second row, under a number of its own."""

    def rows(running: Running, price: PriceOf, billing: InterruptedBilling = "received") -> Sequence[SpendRecord]:
        found = rows_of(running, price, billing)
        return (*found, msgspec.structs.replace(found[0], seq=len(found)))

    return rows  # type: ignore[return-value]


KEEPS_RESERVATIONS = Kit(gateway=KeepsReservations)
SETTLES_AFTER_ANSWER = Kit(gateway=SettlesAfterAnswer)
BOOKS_AGAIN = Kit(database=BooksAgain)
RESETS_TWICE = Kit(windows=ResetsTwice)
REPLAY_OF = (journal_files, "interrupted_rows")
"""Where the journal's adapter finds the replay."""
