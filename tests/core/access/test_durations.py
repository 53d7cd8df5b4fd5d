"""Durations as text, and the instants that they lead to."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.durations import Duration, after, parse_duration

NS = 1_000_000_000
LATEST_START_S = 4_102_444_800  # the year 2100


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


@given(st.integers(1, 9_999), st.sampled_from(["s", "m", "h", "d", "w", "mo"]))
def test_every_count_and_unit_is_read_back(count: int, unit: str) -> None:
    assert parse_duration(f"{count}{unit}") == Duration(count, unit)


@pytest.mark.parametrize(("word", "same"), [("hourly", "1h"), ("daily", "24h"), ("weekly", "7d"), ("monthly", "30d")])
def test_words_stand_for_durations(word: str, same: str) -> None:
    assert parse_duration(word) == parse_duration(same)


@pytest.mark.parametrize("text", ["", "0s", "10000s", "01h", "-1", "1", "s", "1y", "1 h", "1H", "1.5h", "1h\n", "1h30m", "١h", "Daily"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), ("monthly", 2_592_000)]
)
def test_fixed_units_add_seconds(text: str, seconds: int) -> None:
    assert after(17, parse_duration(text)) == 17 + seconds * NS


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-15T10:00:00", 1, "2026-02-15T10:00:00"),
        ("2026-01-31T10:00:00", 1, "2026-02-28T10:00:00"),
        ("2028-01-31T10:00:00", 1, "2028-02-29T10:00:00"),
        ("2026-12-31T23:59:59", 1, "2027-01-31T23:59:59"),
        ("2026-11-30T00:00:00", 1, "2026-12-30T00:00:00"),
        ("2028-02-29T00:00:00", 12, "2029-02-28T00:00:00"),
        ("2026-01-01T00:00:00", 23, "2027-12-01T00:00:00"),
    ],
)
def test_months_are_those_of_the_calendar(start: str, months: int, end: str) -> None:
    assert after(at(start) + 5, Duration(months, "mo")) == at(end) + 5


@given(st.integers(0, LATEST_START_S * NS), st.integers(1, 9_999), st.sampled_from(["s", "m", "h", "d", "w", "mo"]))
def test_end_is_later_and_keeps_the_fraction_of_a_second(start_ns: int, count: int, unit: str) -> None:
    end_ns = after(start_ns, Duration(count, unit))
    assert end_ns > start_ns
    assert end_ns % NS == start_ns % NS


@given(st.integers(0, LATEST_START_S * NS), st.integers(1, 9_998))
def test_more_months_end_later(start_ns: int, count: int) -> None:
    assert after(start_ns, Duration(count, "mo")) < after(start_ns, Duration(count + 1, "mo"))
