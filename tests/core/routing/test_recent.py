"""Counting the calls of the last minute."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.routing.recent import WINDOW_SECONDS, Recent


@given(steps=st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=60))
def test_it_counts_what_lies_within_the_window(steps: list[tuple[float, bool]]) -> None:
    recent = Recent()
    now = 0.0
    seen: list[tuple[float, bool]] = []
    for gap, failed in steps:
        now += gap
        recent.add(now, failed=failed)
        seen.append((now, failed))
        young = [mark for at, mark in seen if int(at) > int(now) - WINDOW_SECONDS]
        assert (recent.calls, recent.failures) == (len(young), sum(young))


def test_memory_is_bounded_by_seconds_not_by_calls() -> None:
    recent = Recent()
    for step in range(100_000):
        recent.add(step / 1000, failed=False)
    assert len(recent._buckets) <= WINDOW_SECONDS


def test_cleared_it_is_empty() -> None:
    recent = Recent()
    recent.add(1.0, failed=True)
    recent.clear()
    assert (recent.calls, recent.failures) == (0, 0)
