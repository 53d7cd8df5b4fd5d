"""How long a provider asks us to wait. Source: RFC 9110, section 10.2.3; `retry-after-ms` is OpenAI's and Azure's."""

import math
from datetime import datetime
from email.utils import parsedate_to_datetime

from tianji_core.calls.http import Headers, header

_MOST = 3600.0


def retry_after_seconds(headers: Headers) -> float | None:
    """Return seconds from 0 to an hour, or None when nothing usable is said.

    A date is read against the answer's own `date` header, since only the difference matters; without one it says nothing.
    """
    milliseconds = _number(header(headers, "retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    text = header(headers, "retry-after")
    seconds = _number(text)
    if seconds is not None:
        return _bounded(seconds)
    until, now = _date(text), _date(header(headers, "date"))
    if until is None or now is None or (until.tzinfo is None) != (now.tzinfo is None):
        return None
    return _bounded((until - now).total_seconds())


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _MOST)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None and len(text) < 40 else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, IndexError):
        return None
