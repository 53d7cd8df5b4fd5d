"""The current window of a budget lasts to the end that it began with."""

from datetime import time

from support.limits import NS
from tianji_core.access.limits import Limits
from tianji_core.limits.current_windows import CurrentWindows
from tianji_core.limits.windows import UTC_MIDNIGHT, BudgetWindow, Calendar

DAY = 86_400 * NS
NOON = 20_000 * DAY + DAY // 2
DAILY = Limits(budget_duration="1d")
SIX = Calendar(reset_time=time(6))


def test_another_reset_time_moves_no_window_that_has_begun() -> None:
    windows = CurrentWindows()
    first = windows.at("k:a", "total", DAILY, UTC_MIDNIGHT, NOON)
    assert windows.at("k:a", "total", DAILY, SIX, NOON + 1) == first
    assert first.ends_at_ns == 20_001 * DAY
    later = windows.at("k:a", "total", DAILY, SIX, 20_001 * DAY)
    assert (later.starts_at_ns, later.ends_at_ns) == (20_000 * DAY + DAY // 4, 20_001 * DAY + DAY // 4)


def test_window_that_has_ended_gives_way() -> None:
    windows = CurrentWindows()
    first = windows.at("k:a", "total", DAILY, UTC_MIDNIGHT, NOON)
    assert windows.at("k:a", "total", DAILY, UTC_MIDNIGHT, NOON + DAY).starts_at_ns == first.ends_at_ns


def test_setting_the_duration_again_begins_a_window() -> None:
    windows = CurrentWindows()
    windows.at("k:a", "total", DAILY, UTC_MIDNIGHT, NOON)
    again = Limits(budget_duration="1d", budget_started_at_ns=NOON + 5)
    assert windows.at("k:a", "total", again, UTC_MIDNIGHT, NOON + 7).starts_at_ns == NOON + 5


def test_taking_the_duration_away_begins_the_lifetime() -> None:
    windows = CurrentWindows()
    windows.at("k:a", "total", DAILY, UTC_MIDNIGHT, NOON)
    assert windows.at("k:a", "total", Limits(), UTC_MIDNIGHT, NOON).ends_at_ns is None


def test_stored_window_that_goes_on_is_adopted() -> None:
    windows = CurrentWindows()
    stored = BudgetWindow(scope="k:a", limit_key="total", starts_at_ns=NOON - DAY // 4, ends_at_ns=NOON + DAY // 4)
    assert windows.adopt(stored, DAILY, NOON)
    assert windows.at("k:a", "total", DAILY, UTC_MIDNIGHT, NOON + 1) == stored


def test_stored_window_that_is_over_or_of_an_older_duration_is_not_adopted() -> None:
    windows = CurrentWindows()
    stored = BudgetWindow(scope="k:a", limit_key="total", starts_at_ns=NOON - DAY, ends_at_ns=NOON)
    assert not windows.adopt(stored, DAILY, NOON)
    assert not windows.adopt(stored, Limits(budget_duration="1d", budget_started_at_ns=NOON - 5), NOON - 1)
    endless = BudgetWindow(scope="k:a", limit_key="total", starts_at_ns=0)
    assert not windows.adopt(endless, DAILY, NOON)
    assert windows.adopt(endless, Limits(), NOON)


def test_memory_is_bounded() -> None:
    windows = CurrentWindows(most=10)
    for number in range(100):
        windows.at(f"k:{number}", "total", DAILY, UTC_MIDNIGHT, NOON)
    assert len(windows._known) == 10
