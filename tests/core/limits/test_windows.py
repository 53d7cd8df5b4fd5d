"""Budget windows, against the calendar."""

from datetime import UTC, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.limits import NS
from tianji_core.limits.windows import UTC_MIDNIGHT, Calendar, window_bounds

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo")
DURATIONS = (
    "1s", "45s", "7m", "30m", "90m", "1h", "5h", "6h", "13h", "24h", "25h", "1d", "2d", "7d", "1w", "2w", "30d", "31d", "1mo", "3mo",
)  # fmt: skip
LONG = tuple(text for text in DURATIONS if not text.endswith(("s", "m")))
YEAR_2005 = 1_104_537_600
YEAR_2035 = 2_051_222_400

zones = st.sampled_from(ZONES).map(ZoneInfo)
times = st.sampled_from((time(0), time(2, 30), time(6), time(23, 59, 59)))
calendars = st.builds(Calendar, zone=zones, reset_time=times)
instants = st.integers(YEAR_2005 * NS, YEAR_2035 * NS)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


def shown(at_ns: int | None) -> str:
    assert at_ns is not None
    return datetime.fromtimestamp(at_ns / NS, UTC).replace(tzinfo=None).isoformat()


NOW = at("2026-11-24T13:20:30")  # a Tuesday


@pytest.mark.parametrize(
    ("duration", "ends"),
    [
        ("1d", "2026-11-25T00:00:00"),
        ("daily", "2026-11-25T00:00:00"),
        ("24h", "2026-11-25T00:00:00"),
        ("2d", "2026-11-26T00:00:00"),
        ("7d", "2026-11-30T00:00:00"),
        ("1w", "2026-11-30T00:00:00"),
        ("weekly", "2026-11-30T00:00:00"),
        ("2w", "2026-12-08T00:00:00"),
        ("30d", "2026-12-01T00:00:00"),
        ("1mo", "2026-12-01T00:00:00"),
        ("monthly", "2026-12-01T00:00:00"),
        ("31d", "2026-12-25T00:00:00"),
        ("3mo", "2027-02-01T00:00:00"),
        ("hourly", "2026-11-24T14:00:00"),
        ("2h", "2026-11-24T14:00:00"),
        ("5h", "2026-11-24T15:00:00"),
        ("13h", "2026-11-25T02:00:00"),
        ("25h", "2026-11-25T01:00:00"),
        ("36h", "2026-11-25T12:00:00"),
        ("48h", "2026-11-26T00:00:00"),
        ("30m", "2026-11-24T13:30:00"),
        ("7m", "2026-11-24T13:25:00"),
        ("90m", "2026-11-24T13:30:00"),
        ("15s", "2026-11-24T13:20:45"),
        ("45s", "2026-11-24T13:21:00"),
    ],
)
def test_first_window_of_each_duration_ends_where_the_table_says(duration: str, ends: str) -> None:
    start, end = window_bounds(duration, NOW, UTC_MIDNIGHT, NOW)
    assert (start, shown(end)) == (NOW, ends)


@pytest.mark.parametrize(
    ("duration", "now", "starts", "ends"),
    [
        ("1d", "2026-03-08T12:00:00", "2026-03-08T05:00:00", "2026-03-09T04:00:00"),  # 23 hours
        ("1d", "2026-10-31T20:00:00", "2026-10-31T04:00:00", "2026-11-01T04:00:00"),
        ("1d", "2026-11-01T20:00:00", "2026-11-01T04:00:00", "2026-11-02T05:00:00"),  # 25 hours
        ("7d", "2026-11-29T23:00:00", "2026-11-23T05:00:00", "2026-11-30T05:00:00"),
        ("1mo", "2026-03-15T00:00:00", "2026-03-01T05:00:00", "2026-04-01T04:00:00"),
        ("1h", "2026-11-01T05:30:00", "2026-11-01T05:00:00", "2026-11-01T07:00:00"),  # the hour that is twice begins once
        ("1h", "2026-03-08T07:30:00", "2026-03-08T07:00:00", "2026-03-08T08:00:00"),  # the hour that is not begins with the next
    ],
)
def test_windows_of_new_york_follow_its_clock(duration: str, now: str, starts: str, ends: str) -> None:
    start, end = window_bounds(duration, 0, Calendar(zone=ZoneInfo("America/New_York")), at(now))
    assert (shown(start), shown(end)) == (starts, ends)


def test_reset_time_that_does_not_exist_is_the_end_of_the_gap() -> None:
    calendar = Calendar(zone=ZoneInfo("America/New_York"), reset_time=time(2, 30))
    start, _ = window_bounds("1d", 0, calendar, at("2026-03-08T12:00:00"))
    assert shown(start) == "2026-03-08T07:00:00"


def test_day_that_does_not_exist_is_no_window() -> None:
    start, end = window_bounds("1d", 0, Calendar(zone=ZoneInfo("Pacific/Apia")), at("2011-12-30T09:00:00"))
    assert (shown(start), shown(end)) == ("2011-12-29T10:00:00", "2011-12-30T10:00:00")
    start, end = window_bounds("1d", 0, Calendar(zone=ZoneInfo("Pacific/Apia")), at("2011-12-30T10:00:00"))
    assert (shown(start), shown(end)) == ("2011-12-30T10:00:00", "2011-12-31T10:00:00")


@pytest.mark.parametrize(
    ("duration", "ends"), [("1d", "2026-11-25T06:00:00"), ("24h", "2026-11-25T00:00:00"), ("2d", "2026-11-26T06:00:00")]
)
def test_reset_time_moves_days_and_no_hours(duration: str, ends: str) -> None:
    _, end = window_bounds(duration, NOW, Calendar(reset_time=time(6)), NOW)
    assert shown(end) == ends


def test_reset_time_of_the_day_of_the_setting_is_no_boundary_of_an_anchored_window() -> None:
    set_at = at("2026-11-24T02:00:00")
    start, end = window_bounds("2d", set_at, Calendar(reset_time=time(6)), at("2026-11-24T07:00:00"))
    assert (start, shown(end)) == (set_at, "2026-11-26T06:00:00")


def test_lifetime_is_one_window_without_an_end() -> None:
    assert window_bounds(None, 7, UTC_MIDNIGHT, NOW) == (7, None)


def test_instant_before_the_setting_lies_in_the_first_window() -> None:
    assert window_bounds("1d", NOW, UTC_MIDNIGHT, NOW - 1) == window_bounds("1d", NOW, UTC_MIDNIGHT, NOW)


@pytest.mark.parametrize("text", ["", "0d", "1D", "1y", "3600", "-1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        window_bounds(text, 0, UTC_MIDNIGHT, NOW)


@given(st.sampled_from(DURATIONS), calendars, instants, st.integers(0, 400 * 86_400 * NS), st.data())
@settings(max_examples=400, deadline=None)
def test_window_holds_its_instant_and_all_its_instants_have_the_same(
    duration: str, calendar: Calendar, set_at: int, later: int, data: st.DataObject
) -> None:
    start, end = window_bounds(duration, set_at, calendar, set_at + later)
    assert end is not None
    assert set_at <= start <= set_at + later < end
    inside = data.draw(st.integers(start, end - 1))
    assert window_bounds(duration, set_at, calendar, inside) == (start, end)


@given(st.sampled_from(LONG), calendars, instants)
@example("1h", Calendar(zone=ZoneInfo("Australia/Lord_Howe")), at("2026-04-04T10:00:00"))
@example("1h", Calendar(zone=ZoneInfo("Pacific/Apia")), at("2011-12-29T00:00:00"))
@settings(max_examples=150, deadline=None)
def test_each_window_begins_where_the_last_one_ended(duration: str, calendar: Calendar, set_at: int) -> None:
    bounds = [window_bounds(duration, set_at, calendar, set_at)]
    for _ in range(60):
        end = bounds[-1][1]
        assert end is not None
        bounds.append(window_bounds(duration, set_at, calendar, end))
    assert all(before[1] == after[0] < (after[1] or 0) for before, after in pairwise(bounds))


@given(st.sampled_from(["1d", "7d", "1mo", "2d", "2w", "3mo"]), zones, times, instants)
@settings(max_examples=200, deadline=None)
def test_day_windows_begin_at_the_reset_time_or_where_a_gap_ends(duration: str, zone: ZoneInfo, at_time: time, set_at: int) -> None:
    _, end = window_bounds(duration, set_at, Calendar(zone=zone, reset_time=at_time), set_at)
    assert end is not None
    local = datetime.fromtimestamp(end // NS, zone)
    before = datetime.fromtimestamp(end // NS - 1, zone)
    assert local.fold == 0
    assert local.time() == at_time or local.utcoffset() != before.utcoffset()
