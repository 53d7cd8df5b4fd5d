"""The spend journal: what is on its way to the ledger. Nothing that was answered may be lost from it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tianji_core.spend.record import SpendRecord


class OpenCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is about to go upstream: everything a row would need if it never came back."""

    call_id: str
    started_at_ns: int
    key_id: str | None
    user_id: str | None
    team_id: str | None
    end_user_id: str | None
    surface: str
    model_group: str
    deployment_id: str
    model: str
    input_estimate: int
    pricing_version: str


class Journal(Protocol):
    """Ordered, at least as durable as the adapter says, never dropping an entry."""

    async def open(self, call: OpenCall) -> None:
        """Note that the call goes upstream now. Raises DependencyUnavailableError (`journal_unavailable`): then it must not go."""
        ...

    async def settle(self, call_id: str, records: Sequence[SpendRecord]) -> None:
        """Note the finished rows of a call, all or none; returns when they are in the journal.

        Waits where the journal is full. A caller that is cancelled meanwhile leaves the rows in the journal all the same.
        """
        ...

    async def pending(self, limit: int) -> Sequence[SpendRecord]:
        """Return the oldest settled rows that were not flushed, at most `limit`; waits until there is one."""
        ...

    async def flushed(self, count: int) -> None:
        """Forget the oldest `count` rows that `pending` returned: the ledger has them."""
        ...

    def waiting(self) -> int:
        """How many settled rows are not flushed yet."""
        ...
