"""Durations as text: `30s`, `15m`, `24h`, `7d`, `2w`, `1mo`, or the words that LiteLLM has for some of them."""

import calendar
import re
from datetime import UTC, datetime, timedelta

import msgspec

_FORM = re.compile(r"([1-9][0-9]{0,3})(s|m|h|d|w|mo)")
_WORDS = {"hourly": "1h", "daily": "24h", "weekly": "7d", "monthly": "30d"}
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000


class Duration(msgspec.Struct, frozen=True):
    """`count` is 1–9999; `unit` is one of `s`, `m`, `h`, `d`, `w`, `mo`."""

    count: int
    unit: str


def parse_duration(text: str) -> Duration:
    """Read a duration.

    Raises:
        ValueError: it is not one.
    """
    found = _FORM.fullmatch(_WORDS.get(text, text))
    if found is None:
        raise ValueError("must be a duration such as `30s`, `15m`, `24h`, `7d`, `2w` or `1mo`")
    return Duration(int(found[1]), found[2])


def after(start_ns: int, duration: Duration) -> int:
    """Return the instant that lies a duration after another, in nanoseconds since the epoch.

    Months are those of the UTC calendar; a day that the last month does not have becomes its last one.
    """
    if duration.unit != "mo":
        return start_ns + duration.count * _SECONDS[duration.unit] * _NS
    start = _EPOCH + timedelta(seconds=start_ns // _NS)
    year, month = divmod(start.year * 12 + start.month - 1 + duration.count, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    end = start.replace(year=year, month=month + 1, day=day)
    return start_ns + (end - start) // timedelta(seconds=1) * _NS
