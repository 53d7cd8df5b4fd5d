"""A flood of requests is no flood of lines, and every line that is missing is counted."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.limits.lines import LineLimit


def test_lines_of_a_second_are_written_up_to_the_limit() -> None:
    limit = LineLimit(2)
    assert [limit.allows(now=10 + step / 10) for step in range(4)] == [True, True, False, False]
    assert limit.allows(now=11.0)


def test_what_was_left_out_is_told_once_its_second_is_over() -> None:
    limit = LineLimit(1)
    for _ in range(4):
        limit.allows(now=5.0)
    assert [limit.take_left_out(now=now) for now in (5.9, 6.0, 6.1)] == [0, 3, 0]


def test_nothing_left_out_is_nothing_to_tell() -> None:
    limit = LineLimit(1)
    assert limit.take_left_out(now=0.0) == 0
    assert limit.allows(now=0.0)
    assert limit.take_left_out(now=9.0) == 0


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5))
def test_every_line_is_written_or_counted_and_no_second_has_more_than_allowed(steps: list[float], most: int) -> None:
    limit, now, written, told = LineLimit(most), 100.0, list[float](), 0
    for step in steps:
        now += step / 10
        if limit.allows(now=now):
            written.append(now)
        told += limit.take_left_out(now=now)
    told += limit.take_left_out(now=now + 1)
    assert len(written) + told == len(steps)
    for start in written:  # a window begins with its first line, so that two of them meet in any second at most
        assert sum(start <= moment < start + 1 for moment in written) <= 2 * most
