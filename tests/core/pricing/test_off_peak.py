from datetime import UTC, datetime, timedelta, timezone

import pytest

from tianji_core.errors import ConfigurationError
from tianji_core.pricing.off_peak import parse_windows


def _holds(pricing: dict[str, object], at: str) -> bool:
    return any(window.holds(datetime.fromisoformat(at)) for window in parse_windows(pricing))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-25T16:29:59+00:00", False),
        ("2026-11-25T16:30:00+00:00", True),
        ("2026-11-25T23:59:59+00:00", True),
        ("2026-11-26T00:29:59+00:00", True),
        ("2026-11-26T00:30:00+00:00", False),
        ("2026-11-25T17:30:00+01:00", True),
        ("2026-11-25T17:29:00+01:00", False),
    ],
)
def test_the_start_is_inclusive_the_end_exclusive_and_midnight_is_crossed(at: str, expected: bool) -> None:
    assert _holds({"windows": [{"hours_utc": "16:30-00:30"}]}, at) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-27T23:00:00+00:00", True),  # Friday
        ("2026-11-28T01:00:00+00:00", True),  # Saturday, in Friday's window
        ("2026-11-28T23:00:00+00:00", False),
        ("2026-11-27T01:00:00+00:00", False),  # Friday, in Thursday's window
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts(at: str, expected: bool) -> None:
    assert _holds({"windows": [{"hours_utc": ["22:00-02:00"], "weekdays": [5]}]}, at) is expected


def test_equal_ends_are_the_whole_day() -> None:
    pricing: dict[str, object] = {"windows": [{"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}
    assert _holds(pricing, "2026-11-28T00:00:00+00:00")
    assert _holds(pricing, "2026-11-29T23:59:59+00:00")
    assert not _holds(pricing, "2026-11-30T00:00:00+00:00")


def test_weekdays_follow_the_calendar_of_their_zone() -> None:
    pricing: dict[str, object] = {"weekday_timezone": "Asia/Shanghai", "windows": [{"hours_utc": "00:00-00:00", "weekdays": [6]}]}
    friday_evening_utc = datetime(2026, 11, 27, 16, tzinfo=UTC)
    (window,) = parse_windows(pricing)
    assert window.holds(friday_evening_utc)
    assert window.holds(friday_evening_utc.astimezone(timezone(timedelta(hours=-8))))
    assert not window.holds(friday_evening_utc - timedelta(minutes=1))


@pytest.mark.parametrize(
    "pricing",
    [
        {},
        {"windows": "16:30-00:30"},
        {"windows": ["16:30-00:30"]},
        {"windows": [{"weekdays": [1]}]},
        {"windows": [{"hours_utc": "16:30"}]},
        {"windows": [{"hours_utc": "16:30-25:00"}]},
        {"windows": [{"hours_utc": "16:30-17:60"}]},
        {"windows": [{"hours_utc": "16:30-17:00", "weekdays": [0]}]},
    ],
)
def test_other_shapes_are_refused(pricing: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="off_peak_pricing"):
        parse_windows(pricing)
