"""Hours of the week in which a provider is cheaper.

`hours_utc` are spans of UTC time of day, the start inclusive, the end exclusive; a span may run over midnight and then belongs to the
day on which it starts. `weekdays` count from Monday = 1; `weekday_timezone` names the zone whose calendar they follow.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from tianji_core.errors import ConfigurationError

_DAY_MINUTES = 24 * 60
_EVERY_DAY = frozenset(range(1, 8))
# Zones without daylight saving, so that no zone file has to be read. Another zone counts days as UTC does.
_ZONE_HOURS = {"UTC": 0, "Asia/Shanghai": 8, "Asia/Hong_Kong": 8, "Asia/Singapore": 8, "Asia/Tokyo": 9}


class Window(msgspec.Struct, frozen=True):
    """Spans of minutes since midnight UTC, on some weekdays. A span that ends at or before its start runs over midnight."""

    spans: tuple[tuple[int, int], ...]
    weekdays: frozenset[int] = _EVERY_DAY
    zone_hours: int = 0

    def holds(self, at: datetime) -> bool:
        """Whether an aware instant lies in the window."""
        utc = at.astimezone(UTC)
        minute = utc.hour * 60 + utc.minute
        return any(self._span_holds(span, minute, utc) for span in self.spans)

    def _span_holds(self, span: tuple[int, int], minute: int, utc: datetime) -> bool:
        start, end = span
        if start < end:
            return start <= minute < end and self._on(utc)
        return (minute >= start and self._on(utc)) or (minute < end and self._on(utc - timedelta(days=1)))

    def _on(self, utc: datetime) -> bool:
        return (utc + timedelta(hours=self.zone_hours)).isoweekday() in self.weekdays


def parse_windows(pricing: Mapping[str, object]) -> tuple[Window, ...]:
    """Read the windows of an `off_peak_pricing` field.

    Raises:
        ConfigurationError: an hour or a weekday is not one.
    """
    windows = pricing.get("windows")
    if not isinstance(windows, Sequence) or isinstance(windows, str):
        raise ConfigurationError("off_peak_pricing: windows is missing", hint='write windows: [{hours_utc: "16:30-00:30"}]')
    zone_hours = _ZONE_HOURS.get(str(pricing.get("weekday_timezone", "UTC")), 0)
    return tuple(_window(window, zone_hours) for window in windows)


def _window(window: object, zone_hours: int) -> Window:
    if not isinstance(window, Mapping):
        raise ConfigurationError(f"off_peak_pricing: {window!r} is not a window", hint='write {hours_utc: "16:30-00:30", weekdays: [1, 2]}')
    hours = window.get("hours_utc")
    spans = tuple(_span(text) for text in ([hours] if isinstance(hours, str) else hours or ()))
    weekdays = frozenset(window.get("weekdays") or _EVERY_DAY)
    if not spans or not weekdays <= _EVERY_DAY:
        raise ConfigurationError("off_peak_pricing: a window needs hours_utc, and weekdays between 1 and 7", hint="Monday is 1")
    return Window(spans, weekdays, zone_hours)


def _span(text: object) -> tuple[int, int]:
    start, _, end = str(text).partition("-")
    return _minute(start, text), _minute(end, text)


def _minute(clock: str, text: object) -> int:
    hours, _, minutes = clock.strip().partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(hours) <= 24 and int(minutes) < 60):
        raise ConfigurationError(f"off_peak_pricing: {text!r} is not a span of hours", hint='write "16:30-00:30"')
    return (int(hours) * 60 + int(minutes)) % _DAY_MINUTES
