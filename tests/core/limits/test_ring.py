"""The ring of the last minute."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianji_core.limits.ring import WINDOW_SECONDS, Ring, bucket_of, empty_after

gaps = st.lists(st.tuples(st.sampled_from((0.0, 0.01, 0.49, 0.5, 1.0, 7.3, 29.9, 59.6, 61.0)), st.integers(0, 6)), max_size=80)


def admit(ring: Ring, limit: int, amount: int, now: float) -> bool:
    fits = amount <= ring.room(limit, bucket_of(now))
    if fits:
        ring.take("", amount, bucket_of(now))
    return fits


@given(gaps, st.integers(0, 12), st.floats(0, 10))
@settings(max_examples=300, deadline=None)
def test_no_sixty_seconds_wherever_they_begin_hold_more_than_the_limit(steps: list[tuple[float, int]], limit: int, start: float) -> None:
    ring, admitted = Ring(), list[tuple[float, int]]()
    for now, (_, amount) in zip(accumulate((gap for gap, _ in steps), initial=start), steps, strict=False):
        if admit(ring, limit, amount, now):
            admitted.append((now, amount))
    for begin, _ in admitted:
        assert sum(amount for at, amount in admitted if begin <= at <= begin + 60) <= limit


@given(gaps, st.integers(1, 12), st.floats(0, 10))
@settings(max_examples=300, deadline=None)
def test_refusal_means_that_the_last_sixty_and_a_half_seconds_are_full(steps: list[tuple[float, int]], limit: int, start: float) -> None:
    ring, admitted = Ring(), list[tuple[float, int]]()
    for now, (_, amount) in zip(accumulate((gap for gap, _ in steps), initial=start), steps, strict=False):
        if admit(ring, limit, amount, now):
            admitted.append((now, amount))
        else:
            assert sum(held for at, held in admitted if at > now - WINDOW_SECONDS) + amount > limit


@given(gaps, st.integers(1, 12), st.floats(0, 10), st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_after_the_wait_it_fits_and_not_before(steps: list[tuple[float, int]], limit: int, start: float, amount: int) -> None:
    ring, now = Ring(), start
    for gap, held in steps:
        now += gap
        admit(ring, limit, held, now)
    if amount > limit or amount <= ring.room(limit, bucket_of(now)):
        return
    wait = ring.wait(amount, limit, now=now)
    assert 0 < wait <= WINDOW_SECONDS
    assert amount > ring.room(limit, bucket_of(now + wait - 0.01))
    assert amount <= ring.room(limit, bucket_of(now + wait + 1e-6))


@given(gaps, st.floats(0, 10))
def test_total_is_the_sum_of_what_is_held(steps: list[tuple[float, int]], start: float) -> None:
    ring, now = Ring(), start
    for gap, held in steps:
        now += gap
        admit(ring, 1_000, held, now)
        assert ring.total == sum(ring._amounts.values())
        assert len(ring._amounts) <= 121


def test_ring_is_empty_when_it_says() -> None:
    ring = Ring()
    ring.take("", 3, bucket_of(10.2))
    assert ring.room(5, bucket_of(10.2 + empty_after(10.2) - 0.01)) == 2
    assert ring.room(5, bucket_of(10.2 + empty_after(10.2) + 1e-6)) == 5


def test_what_is_given_back_frees_the_bucket_of_the_admission() -> None:
    ring = Ring()
    ring.take("", 5, 100)
    ring.take("", 5, 150)
    ring.give_back(100, 3)
    assert ring.room(10, 150) == 3
    assert ring.room(10, 221) == 5


def test_what_counts_no_more_is_not_given_back() -> None:
    ring = Ring()
    ring.take("", 5, 100)
    ring.take("", 5, 215)
    assert ring.room(10, 221) == 5
    ring.give_back(100, 5)
    assert ring.total == 5


@pytest.mark.parametrize(("now", "bucket"), [(0.0, 0), (0.49, 0), (0.5, 1), (1000.25, 2000)])
def test_bucket_is_half_a_second(now: float, bucket: int) -> None:
    assert bucket_of(now) == bucket
