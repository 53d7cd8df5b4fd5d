"""Addresses that are wrong about keys too often."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.access.guessing import Guesses


def test_address_waits_after_its_share_until_the_next_second() -> None:
    guesses = Guesses(per_second=2)
    guesses.failed("a", now=10.0)
    assert not guesses.must_wait("a", now=10.5)
    guesses.failed("a", now=10.9)
    assert guesses.must_wait("a", now=10.95)
    assert not guesses.must_wait("b", now=10.95)
    assert not guesses.must_wait("a", now=11.0)


def test_count_starts_again_in_a_new_second() -> None:
    guesses = Guesses(per_second=2)
    guesses.failed("a", now=10.9)
    guesses.failed("a", now=11.0)
    assert not guesses.must_wait("a", now=11.1)


def test_longest_silent_address_is_forgotten_first() -> None:
    guesses = Guesses(per_second=1, most_addresses=2)
    for address in ("a", "b", "a", "c"):
        guesses.failed(address, now=1.0)
    assert [guesses.must_wait(address, now=1.0) for address in "abc"] == [True, False, True]


@given(st.lists(st.sampled_from("abcdefgh"), max_size=100), st.integers(1, 5))
def test_memory_is_bounded(addresses: list[str], most: int) -> None:
    guesses = Guesses(most_addresses=most)
    for address in addresses:
        guesses.failed(address, now=1.0)
    assert len(guesses._failures) == min(most, len(set(addresses)))


@given(st.integers(0, 40))
def test_default_share_is_twenty(failures: int) -> None:
    guesses = Guesses()
    for _ in range(failures):
        guesses.failed("a", now=3.0)
    assert guesses.must_wait("a", now=3.0) is (failures >= 20)
