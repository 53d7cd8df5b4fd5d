"""The comparison of totals as an operator asks for it."""

from datetime import UTC, datetime

import pytest

from support.limits import NS
from support.stores import NOW_NS, record
from support.virtual_keys import ask
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.use_cases.reconcile import ReconcileSpend
from tianji_core.access.principal import Principal
from tianji_core.errors import PermissionDeniedError

pytestmark = pytest.mark.anyio
DAY = record(1).day.isoformat()


@pytest.fixture
async def reconcile() -> ReconcileSpend:
    spend, clock = MemorySpendStore(), FixedClock(NOW_NS)
    await spend.add([record(1, nano=5), record(2, nano=7, key_id="key-2")])
    return ReconcileSpend(spend, clock)


async def test_last_days_are_compared_up_to_today(reconcile: ReconcileSpend) -> None:
    answer = await ask(reconcile)
    document = answer.document
    assert document["is_balanced"] is True
    assert document["checked"]["end_date"] == DAY == datetime.fromtimestamp(NOW_NS // NS, UTC).date().isoformat()  # type: ignore[index]
    assert document["checked"]["daily_totals"] == {"compared": 2, "differing": 0}  # type: ignore[index]


async def test_asked_days_are_compared_and_unknown_parameters_are_named(reconcile: ReconcileSpend) -> None:
    answer = await ask(reconcile, query={"start_date": "2026-01-01", "end_date": "2026-01-31", "team": "x"})
    assert answer.document["checked"]["daily_totals"] == {"compared": 0, "differing": 0}  # type: ignore[index]
    assert answer.ignored_fields == ("team",)


async def test_difference_is_told_with_its_key(reconcile: ReconcileSpend) -> None:
    assert isinstance(reconcile.spend, MemorySpendStore)
    reconcile.spend.outside["k:key-2"] += 1
    document = (await ask(reconcile, money_as_text=True)).document
    expected = {"comparison": "windows", "day": None, "key_id": "key-2", "expected": "0.000000007", "found": "0.000000008"}
    assert document["differences"] == [{**expected, "difference_nano": 1}]
    assert document["is_balanced"] is False


async def test_only_an_admin_may_ask(reconcile: ReconcileSpend) -> None:
    with pytest.raises(PermissionDeniedError):
        await ask(reconcile, caller=Principal(role="key"))
