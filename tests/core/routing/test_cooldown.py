"""Which deployments rest, and until when."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.routing import deployment
from tianji_core.calls.deployment import Deployment
from tianji_core.routing.classes import FailureClass
from tianji_core.routing.cooldown import Cooldown, Ticket
from tianji_core.routing.settings import RouterSettings

A = deployment("a")


def machine(**settings: object) -> Cooldown:
    return Cooldown(RouterSettings(**settings))  # type: ignore[arg-type]


def begin(cooldown: Cooldown, now: float, member: Deployment = A, *, lone: bool = False) -> Ticket:
    ticket = cooldown.begin(member, now=now, lone=lone)
    assert ticket is not None
    return ticket


def fail(
    cooldown: Cooldown, now: float, failure: FailureClass | None = "internal_server", *, member: Deployment = A, after: float | None = None
) -> None:
    cooldown.failed(begin(cooldown, now, member), failure, retry_after=after, now=now)


def succeed(cooldown: Cooldown, now: float, times: int = 1) -> None:
    for _ in range(times):
        cooldown.succeeded(begin(cooldown, now), now=now)


def test_three_consecutive_failures_open_for_five_seconds() -> None:
    cooldown = machine()
    fail(cooldown, 10.0)
    fail(cooldown, 11.0)
    assert cooldown.may_try(A.id, now=11.0)
    fail(cooldown, 12.0)
    assert cooldown.resting(now=12.0) == {"a"}
    assert cooldown.until(A.id, now=12.0) == 17.0
    assert cooldown.next_change() == 17.0
    assert cooldown.begin(A, now=16.9) is None
    assert cooldown.resting(now=17.0) == frozenset()
    assert cooldown.may_try(A.id, now=17.0)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    cooldown = machine()
    for second in range(5):
        fail(cooldown, second)
        fail(cooldown, second)
        succeed(cooldown, second, 3)
    assert cooldown.next_change() is None


@pytest.mark.parametrize(("allowed", "needed"), [(0, 1), (1, 1), (2, 2), (5, 5)])
def test_allowed_fails_is_the_number_that_opens(allowed: int, needed: int) -> None:
    cooldown = machine(allowed_fails=allowed)
    for _ in range(needed - 1):
        fail(cooldown, 1.0)
    assert not cooldown.resting(now=1.0)
    fail(cooldown, 1.0)
    assert cooldown.resting(now=1.0)


def test_allowed_fails_may_stand_at_the_deployment_or_by_class() -> None:
    eager = deployment("eager", model_info={"allowed_fails": 1})
    cooldown = machine(allowed_fails_by_class={"timeout": 2, "rate_limit": 4})
    fail(cooldown, 1.0, member=eager)
    assert cooldown.resting(now=1.0) == {"eager"}
    fail(cooldown, 1.0, "timeout")
    fail(cooldown, 1.0, "timeout")
    assert cooldown.resting(now=1.0) == {"eager", "a"}
    patient = deployment("patient")
    for _ in range(3):
        fail(cooldown, 1.0, "rate_limit", member=patient)
    assert "patient" not in cooldown.resting(now=1.0)


def test_more_than_half_of_ten_calls_in_a_minute_open() -> None:
    cooldown = machine(allowed_fails=100)
    for _ in range(4):
        succeed(cooldown, 1.0)
        fail(cooldown, 1.0)
    fail(cooldown, 1.0)
    assert not cooldown.resting(now=1.0)
    fail(cooldown, 1.0)
    assert cooldown.resting(now=1.0)


def test_half_of_many_calls_is_not_more_than_half_and_old_calls_do_not_count() -> None:
    cooldown = machine(allowed_fails=100)
    for second in range(50):
        succeed(cooldown, float(second))
        fail(cooldown, float(second))
    assert not cooldown.resting(now=50.0)
    for _ in range(9):
        fail(cooldown, 200.0)
    assert not cooldown.resting(now=200.0)


@pytest.mark.parametrize(("after", "length"), [(None, 5.0), (20.0, 20.0), (0.5, 0.5), (1e9, 3600.0)])
def test_a_rate_limit_opens_at_once_for_as_long_as_it_says(after: float | None, length: float) -> None:
    cooldown = machine()
    fail(cooldown, 10.0, "rate_limit", after=after)
    assert cooldown.until(A.id, now=10.0) == 10.0 + length


@pytest.mark.parametrize("after", [0.0, -3.0])
def test_a_rate_limit_that_ends_at_once_counts_as_an_ordinary_failure(after: float) -> None:
    cooldown = machine()
    fail(cooldown, 1.0, "rate_limit", after=after)
    fail(cooldown, 1.0, "rate_limit", after=after)
    assert not cooldown.resting(now=1.0)
    fail(cooldown, 1.0, "rate_limit", after=after)
    assert cooldown.until(A.id, now=1.0) == 6.0


@pytest.mark.parametrize("failure", ["authentication", "model_missing"])
def test_a_refused_credential_and_a_missing_model_rest_a_minute(failure: FailureClass) -> None:
    cooldown = machine()
    fail(cooldown, 0.0, failure)
    assert cooldown.until(A.id, now=0.0) == 60.0


@pytest.mark.parametrize("failure", ["bad_request", "content_policy", None])
def test_what_no_deployment_is_to_blame_for_is_not_counted(failure: FailureClass | None) -> None:
    cooldown = machine(allowed_fails=1)
    for _ in range(50):
        fail(cooldown, 1.0, failure)
    assert not cooldown.resting(now=1.0)


def test_a_class_that_the_operator_names_is_counted() -> None:
    cooldown = machine(allowed_fails_by_class={"bad_request": 2})
    fail(cooldown, 1.0, "bad_request")
    fail(cooldown, 1.0, "bad_request")
    assert cooldown.resting(now=1.0)


def test_each_opening_doubles_the_rest_up_to_five_minutes() -> None:
    cooldown = machine()
    now = 0.0
    for _ in range(3):
        fail(cooldown, now)
    lengths = []
    for _ in range(9):
        end = cooldown.until(A.id, now=now)
        assert end is not None
        lengths.append(end - now)
        now = end
        fail(cooldown, now)
    assert lengths == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def opened(cooldown: Cooldown, now: float) -> float:
    """Open by three failures; return how long the rest is."""
    for _ in range(3):
        fail(cooldown, now)
    end = cooldown.until(A.id, now=now)
    assert end is not None
    return end - now


def test_ten_good_calls_forget_earlier_openings_and_nine_do_not() -> None:
    cooldown = machine()
    assert opened(cooldown, 0.0) == 5.0
    succeed(cooldown, 100.0, 9)
    assert opened(cooldown, 100.0) == 10.0
    succeed(cooldown, 200.0, 10)
    assert opened(cooldown, 200.0) == 5.0


def test_cooldown_time_replaces_the_first_length_and_the_deployments_own_wins() -> None:
    assert opened(machine(cooldown_seconds=7.0), 0.0) == 7.0
    cooldown = machine(cooldown_seconds=7.0)
    own = deployment("own", cooldown_seconds=2.0)
    fail(cooldown, 0.0, "rate_limit", member=own)
    assert cooldown.until(own.id, now=0.0) == 2.0


def test_a_first_length_above_five_minutes_stays() -> None:
    cooldown = machine(cooldown_seconds=900.0)
    assert opened(cooldown, 0.0) == 900.0


def test_a_cooldown_of_zero_switches_it_off() -> None:
    cooldown = machine(cooldown_seconds=0.0)
    for _ in range(30):
        fail(cooldown, 0.0, "authentication")
    assert cooldown.may_try(A.id, now=0.0)


def test_half_open_lets_one_probe_through_and_its_success_closes() -> None:
    cooldown = machine()
    opened(cooldown, 0.0)
    probe = begin(cooldown, 5.0)
    assert cooldown.begin(A, now=5.0) is None
    cooldown.succeeded(probe, now=6.0)
    begin(cooldown, 6.0)
    begin(cooldown, 6.0)
    fail(cooldown, 6.0)
    assert not cooldown.resting(now=6.0)


def test_a_failed_probe_opens_again_at_once() -> None:
    cooldown = machine()
    opened(cooldown, 0.0)
    fail(cooldown, 5.0)
    assert cooldown.until(A.id, now=5.0) == 15.0


def test_a_cancelled_probe_frees_its_place() -> None:
    cooldown = machine()
    opened(cooldown, 0.0)
    probe = begin(cooldown, 5.0)
    cooldown.cancelled(probe)
    assert cooldown.may_try(A.id, now=5.0)


def test_a_probe_that_is_never_given_back_does_not_block_for_ever() -> None:
    cooldown = machine()
    opened(cooldown, 0.0)
    begin(cooldown, 5.0)
    assert cooldown.until(A.id, now=5.0) == 6.0
    assert not cooldown.may_try(A.id, now=64.9)
    assert cooldown.may_try(A.id, now=65.0)


def test_the_first_content_of_a_probe_closes_and_a_break_after_it_counts_once() -> None:
    cooldown = machine(allowed_fails=2)
    fail(cooldown, 0.0)
    fail(cooldown, 0.0)
    probe = begin(cooldown, 5.0)
    cooldown.answered(probe, now=5.5)
    assert cooldown.may_try(A.id, now=5.5)
    cooldown.failed(probe, "internal_server", retry_after=None, now=6.0)
    assert cooldown.may_try(A.id, now=6.0)
    fail(cooldown, 6.0)
    assert cooldown.resting(now=6.0)


def test_streams_that_always_break_after_their_first_content_open_too() -> None:
    cooldown = machine()
    for _ in range(3):
        ticket = begin(cooldown, 0.0)
        cooldown.answered(ticket, now=0.0)
        cooldown.failed(ticket, "internal_server", retry_after=None, now=0.0)
    assert cooldown.resting(now=0.0)


def test_a_thousand_calls_in_flight_are_one_opening() -> None:
    cooldown = machine()
    tickets = [begin(cooldown, 0.0) for _ in range(1000)]
    for ticket in tickets:
        cooldown.failed(ticket, "internal_server", retry_after=None, now=1.0)
    assert cooldown.until(A.id, now=1.0) == 6.0
    probe = begin(cooldown, 6.0)
    for ticket in tickets:
        cooldown.succeeded(ticket, now=6.0)
        cooldown.cancelled(ticket)
    assert not cooldown.may_try(A.id, now=6.0)
    cooldown.failed(probe, "internal_server", retry_after=None, now=6.0)
    assert cooldown.until(A.id, now=6.0) == 16.0


def test_a_lone_deployment_lets_one_call_a_second_through_while_it_rests() -> None:
    cooldown = machine()
    opened(cooldown, 0.0)
    assert not cooldown.may_try(A.id, now=0.5, lone=True)
    assert cooldown.until(A.id, now=0.5, lone=True) == 1.0
    first = begin(cooldown, 1.0, lone=True)
    assert cooldown.begin(A, now=1.9, lone=True) is None
    second = begin(cooldown, 2.0, lone=True)
    cooldown.failed(first, "internal_server", retry_after=None, now=2.5)
    cooldown.failed(second, "internal_server", retry_after=None, now=2.5)
    assert cooldown.until(A.id, now=2.5) == 5.0
    cooldown.succeeded(begin(cooldown, 3.0, lone=True), now=3.5)
    assert cooldown.may_try(A.id, now=3.5)


def test_a_deployment_that_left_loses_its_state_and_late_reports_change_nothing() -> None:
    cooldown = machine()
    cooldown.replace(RouterSettings(), [A, deployment("b")])
    running = begin(cooldown, 0.0)
    opened(cooldown, 0.0)
    cooldown.replace(RouterSettings(), [deployment("b")])
    assert not cooldown.resting(now=0.0)
    cooldown.failed(running, "authentication", retry_after=None, now=0.0)
    cooldown.replace(RouterSettings(), [A])
    assert cooldown.may_try(A.id, now=0.0)


def test_the_same_id_with_other_parameters_starts_fresh_and_with_the_same_ones_it_keeps_resting() -> None:
    cooldown = machine()
    cooldown.replace(RouterSettings(), [A])
    late = begin(cooldown, 0.0)
    opened(cooldown, 0.0)
    cooldown.replace(RouterSettings(num_retries=7), [deployment("a")])
    assert cooldown.resting(now=1.0) == {"a"}
    changed = deployment("a", weight=Decimal(2))
    cooldown.replace(RouterSettings(), [changed])
    assert not cooldown.resting(now=1.0)
    begin(cooldown, 1.0, changed)
    cooldown.failed(late, "authentication", retry_after=None, now=1.0)
    assert not cooldown.resting(now=1.0)


def test_a_clock_that_jumps_back_neither_prolongs_nor_ends_a_rest() -> None:
    cooldown = machine()
    opened(cooldown, 10_000.0)
    assert cooldown.until(A.id, now=10_002.0) == 10_005.0
    assert cooldown.until(A.id, now=50.0) == 53.0
    assert cooldown.next_change() == 53.0
    assert cooldown.resting(now=52.9)
    assert cooldown.may_try(A.id, now=53.0)


def test_slightly_old_times_stand_still_and_do_not_add_up() -> None:
    cooldown = machine()
    opened(cooldown, 100.0)
    for _ in range(10_000):
        cooldown.resting(now=101.0)
        cooldown.resting(now=100.5)
    assert cooldown.until(A.id, now=101.0) == 105.0


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "fail", "succeed", "cancel", "limit", "denied", "answer", "replace"]),
        st.floats(-200, 120),
        st.integers(0, 3),
    ),
    max_size=60,
)


@given(events=EVENTS)
def test_nothing_rests_longer_than_the_longest_and_every_rest_ends(events: list[tuple[str, float, int]]) -> None:
    cooldown = machine()
    cooldown.replace(RouterSettings(), [A])
    tickets: list[Ticket] = []
    now = 1000.0
    for name, step, which in events:
        now += step
        if name == "begin":
            ticket = cooldown.begin(A, now=now)
            tickets += [ticket] if ticket is not None else []
        elif name == "replace":
            cooldown.replace(RouterSettings(allowed_fails=1 + which), [A])
        elif tickets:
            ticket = tickets.pop(which % len(tickets))
            match name:
                case "fail":
                    cooldown.failed(ticket, "internal_server", retry_after=None, now=now)
                case "limit":
                    cooldown.failed(ticket, "rate_limit", retry_after=200.0, now=now)
                case "denied":
                    cooldown.failed(ticket, "authentication", retry_after=None, now=now)
                case "succeed":
                    cooldown.succeeded(ticket, now=now)
                case "answer":
                    cooldown.answered(ticket, now=now)
                case _:
                    cooldown.cancelled(ticket)
        until = cooldown.until(A.id, now=now)
        assert (until is None) is cooldown.may_try(A.id, now=now)
        assert until is None or now < until <= now + 300.0
    assert cooldown.may_try(A.id, now=now + 400.0)
