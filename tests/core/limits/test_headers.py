"""`x-ratelimit-*`."""

import pytest

from support.limits import budget, parallel, requests, tokens
from tianji_core.limits.answers import Admitted
from tianji_core.limits.headers import duration_text, limit_headers


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"), (-1.0, "0ms"), (0.0001, "1ms"), (0.12, "120ms"), (0.9991, "1s"), (1.0, "1s"), (7.2, "8s"), (59.9, "1m0s"),
        (60.5, "1m1s"), (360.0, "6m0s"), (3_600.0, "1h0m0s"), (86_399.5, "24h0m0s"),
    ],
)  # fmt: skip
def test_durations_have_the_form_of_openai_and_are_rounded_up(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_counter_with_the_fewest_left_is_told() -> None:
    holds = (requests(100), requests(9, "b"), tokens(50, 20), tokens(40, 20, "b"), parallel(3), budget(5, 1))
    admitted = Admitted(holds=holds, rooms=(4, 9, 50, 40, 3, 5), reset_seconds=60.25)
    assert limit_headers(admitted) == (
        ("x-ratelimit-limit-requests", "100"),
        ("x-ratelimit-remaining-requests", "3"),
        ("x-ratelimit-reset-requests", "1m1s"),
        ("x-ratelimit-limit-tokens", "40"),
        ("x-ratelimit-remaining-tokens", "20"),
        ("x-ratelimit-reset-tokens", "1m1s"),
    )


def test_nothing_is_said_of_what_is_not_limited() -> None:
    assert limit_headers(Admitted()) == ()
    assert limit_headers(Admitted(holds=(parallel(3), budget(5, 1)), rooms=(3, 5))) == ()


def test_empty_counter_needs_no_time() -> None:
    assert dict(limit_headers(Admitted(holds=(tokens(50, 0),), rooms=(50,), reset_seconds=60.0)))["x-ratelimit-reset-tokens"] == "0ms"
