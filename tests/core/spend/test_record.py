"""The key of a ledger row."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

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
