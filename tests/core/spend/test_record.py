"""The key of a ledger row."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from support.limits import window_of
from support.stores import record
from tianji_core.limits.owners import lifetime_window
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.record import day_of


def _uuid7(at: datetime) -> str:
    text = f"{int(at.timestamp() * 1000):012x}" + "7000" + "8000" + "0" * 12
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def test_day_changes_at_midnight_utc() -> None:
    assert day_of(_uuid7(datetime(2026, 11, 24, 23, 59, 59, 999000, tzinfo=UTC))) == date(2026, 11, 24)
    assert day_of(_uuid7(datetime(2026, 11, 25, tzinfo=UTC))) == date(2026, 11, 25)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_day_is_that_of_the_instant_in_the_id(at: datetime) -> None:
    assert day_of(_uuid7(at)) == at.date()


DAILY = window_of("key-1", 10, 20)


def test_row_of_a_key_is_booked_to_one_window_of_it_or_outside_of_all() -> None:
    team = BudgetWindow(scope="t:red", limit_key="total", starts_at_ns=0, ends_at_ns=9)
    of_a_model = BudgetWindow(scope="k:key-1", limit_key="model", starts_at_ns=0, ends_at_ns=9)
    outside = lifetime_window("key-1")
    assert record(1, windows=(DAILY, team, DAILY)).bookings == (DAILY, team)
    assert record(1, windows=(team, of_a_model)).bookings == (team, of_a_model, outside)
    assert record(1, windows=(outside,)).bookings == record(1).bookings == (outside,)


def test_row_without_a_key_is_booked_to_its_windows_only() -> None:
    assert record(1, key_id=None).bookings == ()
    assert record(1, key_id=None, windows=(DAILY,)).bookings == (DAILY,)
