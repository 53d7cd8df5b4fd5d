"""Whether the totals of spend agree with each other."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tianji_core.access.authorization import check_admin
from tianji_core.ports.clock import Clock
from tianji_core.ports.management import ManagementAnswer, ManagementCall
from tianji_core.ports.spend_store import SpendStore
from tianji_core.spend.reconciliation import MOST_DIFFERENCES, read_reconcile_query, reconcile_answer

_NS = 1_000_000_000


@dataclass(slots=True)
class ReconcileSpend:
    """Compare the ledger with its daily totals, these with what keys spent in their lifetime, and that with their budget windows."""

    spend: SpendStore
    clock: Clock

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return what differs."""
        check_admin(call.caller)
        today = datetime.fromtimestamp(self.clock.now_ns() // _NS, UTC).date()
        asked = read_reconcile_query(call.query, today=today)
        compared = await self.spend.reconcile(asked.first, asked.last, most=MOST_DIFFERENCES)
        document = reconcile_answer(asked, compared, money_as_text=call.money_as_text)
        return ManagementAnswer(document=document, ignored_fields=asked.ignored)
