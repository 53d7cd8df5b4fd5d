"""The spend journal: what is on its way to the ledger. Nothing that was answered may be lost from it."""

from collections.abc import Sequence
from typing import Protocol

from tianji_core.spend.journal_entries import Attempted, OpenCall, Progress
from tianji_core.spend.record import SpendRecord


class Journal(Protocol):
    """Ordered, at least as durable as the adapter says, never dropping an entry.

    One process writes it, from one event loop. `run` must run beside the calls for as long as they do.
    """

    async def open(self, call: OpenCall) -> None:
        """Note that the call goes upstream now. Raises DependencyUnavailableError (`journal_unavailable`): then it must not go."""
        ...

    async def attempt(self, attempt: Attempted) -> None:
        """Note that an opened call goes upstream again. Raises DependencyUnavailableError: then it must not go."""
        ...

    def progress(self, progress: Progress) -> None:
        """Note how far an answer has come. Never waits and never fails: it only makes the estimate better that a crash would need.

        For streams, at most once a second and after a further KiB.
        """
        ...

    async def settle(self, call_id: str, records: Sequence[SpendRecord]) -> None:
        """Note the finished rows of a call, all or none; returns when they are in the journal.

        The rows are safe from a cancellation: they are taken before the first wait. Where they cannot be written they are kept, given to
        `pending` and written later, and `degraded` says why; the call's answer goes out. Waits where the journal is full. A caller that
        is cancelled meanwhile leaves the rows in the journal all the same.
        """
        ...

    def void(self, call_id: str) -> None:
        """Note that nothing of an opened call was sent: it has no row."""
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

    @property
    def takes_calls(self) -> bool:
        """Whether `open` would note a call now, as far as one can know; if not, this process should get none."""
        ...

    @property
    def degraded(self) -> str | None:
        """Why the journal is not as it should be, for people; None while all is well."""
        ...

    async def recover(self) -> None:
        """Take over what dead processes left, before calls are served: it is in `pending` from here on. `run` does it now and then."""
        ...

    async def run(self) -> None:
        """Do what is to be done beside the calls, for ever: bring bytes to the disk, take over what dead processes left, tidy up."""
        ...

    async def close(self) -> None:
        """Bring everything to the disk and let go of it. The last call: what is pending then is for the next process."""
        ...


__all__ = ["Attempted", "Journal", "OpenCall", "Progress"]
