"""How long a provider asks us to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.http import Headers
from tianji_core.translation.retry_after import retry_after_seconds

_NOW = ("date", "Tue, 24 Nov 2026 12:00:00 GMT")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        ((("retry-after", "7"),), 7.0),
        ((("retry-after", "1.5"),), 1.5),
        ((("retry-after-ms", "250"), ("retry-after", "7")), 0.25),
        ((("retry-after", "-3"),), 0.0),
        ((("retry-after", "1e9"),), 3600.0),
        ((("retry-after", "soon"),), None),
        ((("retry-after", "nan"),), None),
        ((("retry-after", "inf"),), None),
        ((("retry-after", "Tue, 24 Nov 2026 12:00:30 GMT"), _NOW), 30.0),
        ((("retry-after", "Tue, 24 Nov 2026 11:00:00 GMT"), _NOW), 0.0),
        ((("retry-after", "Tue, 24 Nov 2026 12:00:30 GMT"),), None),
    ],
)
def test_seconds_milliseconds_and_dates_are_read_and_garbage_is_not(headers: Headers, seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_gives_a_bounded_wait_or_none(text: str, date: str) -> None:
    seconds = retry_after_seconds((("retry-after", text), ("date", date)))
    assert seconds is None or 0 <= seconds <= 3600
