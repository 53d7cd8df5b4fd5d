"""Budget windows: the one function that says in which window an instant lies.

A window is known by where it begins, so that nothing has to be reset: a new window starts at zero because nobody has spent in it.

Two kinds of duration:

- *calendar*: `s` and `m` that divide 60 (multiples since the epoch), `h` that divides 24 (wall-clock multiples since local midnight;
  `24h` is midnight), `1d`, `7d` = `1w` (Monday), `30d` = `1mo` (the first);
- *anchored*, all others: days, weeks and months are counted on the wall clock from the local day (months: the first) on which the
  duration was set; seconds, minutes and hours in elapsed time from the local midnight of that day.

Days, weeks and months begin at the reset time. A local time that does not exist is the first instant after the gap, one that exists
twice is its first, and boundaries that so become equal are one. The first window begins when the duration was set.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec

from tianji_core.access.durations import Duration, parse_duration

_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = {"s": 1, "m": 60, "h": 3_600}
_A_SECOND = timedelta(seconds=1)
_MONDAY = 1  # ordinal of 0001-01-01


TOTAL = "total"
"""The limit key of a budget for everything that its owner spends."""


class BudgetWindow(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True, gc=False):
    """One window of one budget.

    Attributes:
        scope: Whose: `k:<pk>` for a key.
        limit_key: Which budget of it: `total`.
        ends_at_ns: The first instant after it, or None for a budget of a lifetime.
    """

    scope: str
    limit_key: str
    starts_at_ns: int
    ends_at_ns: int | None = None


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """By which clock windows of days, weeks and months begin."""

    zone: tzinfo = UTC
    reset_time: time = time(0)


UTC_MIDNIGHT = Calendar()


class _Grid(msgspec.Struct, frozen=True):
    """Boundaries on the wall clock by number. `number_of` is right to within a few; `wall` never decreases with the number."""

    number_of: Callable[[datetime], int]
    wall: Callable[[int], datetime]
    anchored: bool = False


def window_bounds(duration: str | None, set_at_ns: int, calendar: Calendar, now_ns: int) -> tuple[int, int | None]:
    """Return where the window of an instant begins and ends, in nanoseconds since the epoch; begin <= now < end.

    An instant before the duration was set lies in the first window.

    Raises:
        ValueError: the text is no duration.
    """
    if duration is None:
        return set_at_ns, None
    read = parse_duration(duration)
    now_ns = max(now_ns, set_at_ns)
    grid = _grid(read, set_at_ns, calendar)
    start, end = _elapsed(read, set_at_ns, calendar.zone, now_ns) if grid is None else _on_the_wall(grid, calendar.zone, set_at_ns, now_ns)
    return max(start, set_at_ns), end


def _grid(duration: Duration, set_at_ns: int, calendar: Calendar) -> _Grid | None:
    """Return the wall-clock boundaries, or None for a duration of elapsed time."""
    count, unit = duration.count, duration.unit
    if unit == "h" and 24 % count == 0:
        return _hours(count)
    if unit in ("s", "m", "h"):
        return None
    first_day = _local(set_at_ns, calendar.zone)
    if (count, unit) == (1, "d"):
        return _days(1, _MONDAY, calendar.reset_time)
    if (count, unit) in ((7, "d"), (1, "w")):
        return _days(7, _MONDAY, calendar.reset_time)
    if (count, unit) in ((30, "d"), (1, "mo")):
        return _months(1, 0, calendar.reset_time)
    if unit == "mo":
        return _months(count, first_day.year * 12 + first_day.month - 1, calendar.reset_time, anchored=True)
    return _days(count * (7 if unit == "w" else 1), first_day.toordinal(), calendar.reset_time, anchored=True)


def _hours(count: int) -> _Grid:
    def wall(number: int) -> datetime:
        day, hour = divmod(number * count, 24)
        return datetime.combine(date.fromordinal(day), time(hour))

    return _Grid(lambda local: (local.toordinal() * 24 + local.hour) // count, wall)


def _days(count: int, base: int, at: time, *, anchored: bool = False) -> _Grid:
    def wall(number: int) -> datetime:
        return datetime.combine(date.fromordinal(base + number * count), at)

    return _Grid(lambda local: (local.toordinal() - base) // count, wall, anchored)


def _months(count: int, base: int, at: time, *, anchored: bool = False) -> _Grid:
    def wall(number: int) -> datetime:
        year, month = divmod(base + number * count, 12)
        return datetime.combine(date(year, month + 1, 1), at)

    return _Grid(lambda local: (local.year * 12 + local.month - 1 - base) // count, wall, anchored)


def _on_the_wall(grid: _Grid, zone: tzinfo, set_at_ns: int, now_ns: int) -> tuple[int, int]:
    number = grid.number_of(_local(now_ns, zone))
    while _instant(grid.wall(number), zone) > now_ns:
        number -= 1
    while _instant(grid.wall(number + 1), zone) <= now_ns:
        number += 1
    if grid.anchored and number < 1:  # the day of the setting itself is no boundary
        return set_at_ns, _instant(grid.wall(1), zone)
    return _instant(grid.wall(number), zone), _instant(grid.wall(number + 1), zone)


def _elapsed(duration: Duration, set_at_ns: int, zone: tzinfo, now_ns: int) -> tuple[int, int]:
    step = duration.count * _SECONDS[duration.unit] * _NS
    calendar = duration.unit != "h" and 60 % duration.count == 0
    anchor = 0 if calendar else _instant(datetime.combine(_local(set_at_ns, zone), time(0)), zone)
    start = anchor + (now_ns - anchor) // step * step
    return start, start + step


def _local(at_ns: int, zone: tzinfo) -> datetime:
    """Return the wall clock at an instant, without its zone."""
    return (_EPOCH + timedelta(seconds=at_ns // _NS)).astimezone(zone).replace(tzinfo=None)


def _instant(local: datetime, zone: tzinfo) -> int:
    """Return the first instant at which the wall clock shows a local time, or has passed it."""
    first = _seconds(local, zone, fold=0)
    if _local(first * _NS, zone) != local.replace(microsecond=0):
        first = _end_of_gap(_seconds(local, zone, fold=1), first, zone)
    return first * _NS


def _seconds(local: datetime, zone: tzinfo, *, fold: int) -> int:
    return (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) - _EPOCH) // _A_SECOND


def _end_of_gap(before: int, after: int, zone: tzinfo) -> int:
    """Return the second at which the offset changes, between one before it and one after it."""
    old = _offset(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def _offset(seconds: int, zone: tzinfo) -> timedelta:
    return _local(seconds * _NS, zone) - _local(seconds * _NS, UTC)
