"""Identifiers and clocks: the system's, and those that stand in for them."""

import time
import uuid

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_adapters.system.clock import SystemClock
from tianji_adapters.system.identifiers import SystemIdentifiers, uuid7_text
from tianji_core.ports.identifiers import Identifiers
from tianji_core.spend.record import day_of

_MS = 1_000_000
_KINDS = [SystemIdentifiers, CountingIdentifiers]


@pytest.mark.parametrize("kind", _KINDS)
def test_ids_are_uuids_of_version_7_that_carry_their_instant(kind: type[Identifiers]) -> None:
    text = kind().uuid7(1_795_000_000_123 * _MS)
    found = uuid.UUID(text)
    assert (found.version, found.variant, str(found)) == (7, uuid.RFC_4122, text)
    assert int(text.replace("-", "")[:12], 16) == 1_795_000_000_123
    assert str(day_of(text)) == "2026-11-18"


@pytest.mark.parametrize("kind", _KINDS)
@given(instants=st.lists(st.integers(0, 5 * _MS), min_size=2, max_size=50))
def test_later_ids_never_sort_before_earlier_ones_even_if_the_clock_goes_back(kind: type[Identifiers], instants: list[int]) -> None:
    identifiers = kind()
    made = [identifiers.uuid7(at_ns) for at_ns in instants]
    assert made == sorted(set(made))


def test_full_counter_moves_into_the_next_millisecond() -> None:
    identifiers = SystemIdentifiers(_milliseconds=7, _counter=(1 << 74) - 1)
    assert uuid7_text(7, (1 << 74) - 1) < identifiers.uuid7(7 * _MS) < uuid7_text(9, 0)


def test_secrets_of_the_system_differ_and_those_of_tests_do_not() -> None:
    assert SystemIdentifiers().secret_bytes(32) != SystemIdentifiers().secret_bytes(32)
    assert CountingIdentifiers().secret_bytes(32) == CountingIdentifiers().secret_bytes(32)
    counting = CountingIdentifiers()
    assert len({counting.secret_bytes(32) for _ in range(10)}) == 10


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_system_clock_is_the_systems_and_the_loops() -> None:
    clock = SystemClock()
    before = time.time_ns()
    assert before <= clock.now_ns() <= time.time_ns()
    loop_before = anyio.current_time()
    assert loop_before <= clock.monotonic() <= anyio.current_time()


def test_fixed_clock_moves_both_hands_only_when_told() -> None:
    clock = FixedClock(at_ns=5, monotonic_seconds=1.0)
    assert (clock.now_ns(), clock.monotonic()) == (5, 1.0)
    clock.advance(1.5)
    assert (clock.now_ns(), clock.monotonic()) == (1_500_000_005, 2.5)
