"""The attempts of one call."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.routing import Run, always, deployment, plan_for
from tianji_core import errors
from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.routing.cooldown import Cooldown
from tianji_core.routing.plan import MAX_ATTEMPTS, AttemptPlan, Stop, Try, Wait
from tianji_core.routing.settings import RouterSettings

DOWN = errors.UpstreamUnavailableError("down")
DENIED = errors.UpstreamAuthenticationError("denied")
TOO_LONG = errors.ContextWindowExceededError("too long")
REFUSED = errors.ContentPolicyError("refused")
BAD = errors.InvalidRequestError("bad")
A, B, C = deployment("a"), deployment("b"), deployment("c")


def limited(after: float | None) -> errors.UpstreamRateLimitedError:
    return errors.UpstreamRateLimitedError("slow down", retry_after_seconds=after)


def chain(*names: str) -> RouterSettings:
    return RouterSettings(num_retries=0, fallbacks={name: (after,) for name, after in pairwise(names)})


def test_the_first_answer_ends_the_call() -> None:
    run = Run(plan_for([A]), always({})).drive()
    assert (run.tried, run.error, run.plan.attempts, run.plan.retries, run.plan.fallbacks) == (["a"], None, 1, 0, 0)


def test_another_healthy_deployment_is_tried_at_once() -> None:
    run = Run(plan_for([A, B]), always({"a": DOWN})).drive()
    assert run.tried in (["a", "b"], ["b"])
    run = Run(plan_for([A, B, C]), always({"a": DOWN, "b": DOWN, "c": DOWN})).drive()
    assert sorted(run.tried) == ["a", "b", "c"]
    assert run.waits == []
    assert run.error is DOWN
    assert run.plan.retries == 2


def test_without_another_deployment_the_same_one_is_repeated_after_a_pause_with_full_jitter() -> None:
    run = Run(plan_for([A], settings=RouterSettings(allowed_fails=100, num_retries=4)), always({"a": DOWN})).drive()
    assert run.tried == ["a"] * 5
    assert len(run.waits) == 4
    assert all(0 < wait < 0.5 * 2**number for number, wait in enumerate(run.waits))
    assert run.error is DOWN


def test_the_least_pause_holds_only_where_the_call_has_to_wait() -> None:
    patient = RouterSettings(retry_after_seconds=3.0, num_retries=1)
    assert Run(plan_for([A], settings=patient), always({"a": DOWN})).drive().waits == [3.0]
    assert Run(plan_for([A, B], settings=patient), always({"a": DOWN, "b": DOWN})).drive().waits == []


@pytest.mark.parametrize("after", [1.0, 20.0, 60.0])
def test_a_retry_after_of_a_lone_deployment_is_waited_for(after: float) -> None:
    run = Run(plan_for([A]), lambda _, number: limited(after) if number == 1 else None).drive()
    assert run.error is None
    assert after <= run.waits[0] <= after + 1


def test_a_long_retry_after_is_not_waited_for() -> None:
    error = limited(61.0)
    run = Run(plan_for([A]), always({"a": error})).drive()
    assert (run.tried, run.waits, run.error) == (["a"], [], error)


def test_a_retry_after_of_zero_is_repeated_at_once() -> None:
    plan = plan_for([A], settings=RouterSettings(num_retries=1))
    run = Run(plan, lambda _, number: limited(0.0) if number == 1 else None).drive()
    assert (run.tried, run.waits) == (["a", "a"], [])


def test_the_deployment_that_may_come_back_first_is_waited_for() -> None:
    answers = {"a": limited(2.0), "b": limited(50.0)}
    run = Run(plan_for([A, B]), lambda member, number: answers[member.id] if number <= 2 else None).drive()
    assert run.tried[2] == "a"
    assert 2.0 <= sum(run.waits) <= 3.0


def test_a_call_waits_for_a_resting_deployment_when_nothing_else_is_left() -> None:
    cooldown = Cooldown(RouterSettings())
    ticket = cooldown.begin(B, now=0.0)
    assert ticket is not None
    cooldown.failed(ticket, "rate_limit", retry_after=3.0, now=0.0)
    run = Run(plan_for([A, B], cooldown=cooldown), always({"a": DENIED})).drive()
    assert (run.tried, run.waits, run.error) == (["a", "b"], [3.0], None)


def test_a_refused_credential_is_followed_up_elsewhere_only() -> None:
    alone = Run(plan_for([A]), always({"a": DENIED})).drive()
    assert (alone.tried, alone.error) == (["a"], DENIED)
    both = Run(plan_for([A, B], settings=RouterSettings(num_retries=5)), always({"a": DENIED, "b": DOWN})).drive()
    assert both.tried.count("a") <= 1
    assert both.tried.count("b") >= 2


@pytest.mark.parametrize("error", [BAD, TOO_LONG, REFUSED, errors.TooLargeError("x"), errors.UpstreamModelMissingError("x")])
def test_what_is_not_retryable_ends_the_group(error: errors.TianjiError) -> None:
    run = Run(plan_for([A, B]), always({"a": error, "b": error})).drive()
    assert (len(run.tried), run.error) == (1, error)


def test_the_providers_400_is_not_followed_up_by_a_fallback() -> None:
    run = Run(plan_for([deployment("x", "x"), deployment("y", "y")], "x", settings=chain("x", "y")), always({"x": BAD})).drive()
    assert (run.tried, run.error) == (["x"], BAD)


def test_a_400_that_a_policy_repeats_is_not_followed_up_either() -> None:
    router = RouterSettings(retries_by_class={"bad_request": 1}, fallbacks={"x": ("y",)}, allowed_fails=100)
    members = [deployment("x", "x"), deployment("y", "y")]
    repeated = Run(plan_for(members, "x", settings=router), always({"x": BAD})).drive()
    assert (repeated.tried, repeated.error) == (["x", "x"], BAD)
    hasty = RouterSettings(retries_by_class={"bad_request": 1}, fallbacks={"x": ("y",)}, retry_after_seconds=5.0)
    run = Run(plan_for(members, "x", settings=hasty, deadline=1.0), always({"x": BAD})).drive()
    assert (run.tried, run.error) == (["x"], BAD)


def test_a_plan_knows_whether_an_attempt_is_out() -> None:
    plan = plan_for([A])
    assert not plan.is_running
    plan.next(now=0.0)
    assert plan.is_running
    plan.cancelled()
    assert not plan.is_running


def test_lower_order_first_then_higher_order_then_the_pause() -> None:
    members = [deployment("low", order=1), deployment("high", order=2)]
    run = Run(plan_for(members), always({"low": DOWN, "high": DOWN})).drive()
    assert run.tried[:2] == ["low", "high"]
    assert run.tried[2] == "low"
    assert len(run.waits) == 1


def test_a_higher_order_serves_while_the_lower_one_rests() -> None:
    cooldown = Cooldown(RouterSettings())
    low, high = deployment("low", order=1), deployment("high", order=2)
    ticket = cooldown.begin(low, now=0.0)
    assert ticket is not None
    cooldown.failed(ticket, "rate_limit", retry_after=30.0, now=0.0)
    assert Run(plan_for([low, high], cooldown=cooldown), always({})).drive().tried == ["high"]
    assert Run(plan_for([low, high], cooldown=cooldown), always({}), now=30.0).drive().tried == ["low"]


def test_only_the_lowest_order_shares_the_traffic() -> None:
    members = [deployment("a", order=1), deployment("b", order=1), deployment("c", order=2)]
    served = Counter(Run(plan_for(members, seed=seed), always({})).drive().tried[0] for seed in range(200))
    assert set(served) == {"a", "b"}


# --- fallbacks ----------------------------------------------------------------------------------------------------------


def groups(*names: str) -> list[Deployment]:
    return [deployment(name, name) for name in names]


def test_a_fallback_group_serves_after_the_retries_with_retries_of_its_own() -> None:
    router = RouterSettings(num_retries=1, fallbacks={"x": ("y",)})
    run = Run(plan_for(groups("x", "y"), "x", settings=router), lambda _, number: DOWN if number < 4 else None).drive()
    assert run.groups == ["x", "x", "y", "y"]
    assert (run.error, run.plan.retries, run.plan.fallbacks, run.plan.attempts) == (None, 2, 1, 4)


def test_when_all_fail_the_caller_gets_the_first_groups_error() -> None:
    last = errors.UpstreamTimeoutError("slow")
    run = Run(plan_for(groups("x", "y"), "x", settings=chain("x", "y")), always({"x": DOWN, "y": last})).drive()
    assert (run.tried, run.error) == (["x", "y"], DOWN)


def test_a_400_of_a_fallback_ends_the_call_with_the_first_groups_error() -> None:
    router = RouterSettings(num_retries=0, fallbacks={"x": ("y", "z")})
    run = Run(plan_for(groups("x", "y", "z"), "x", settings=router), always({"x": DOWN, "y": BAD})).drive()
    assert (run.tried, run.error) == (["x", "y"], DOWN)


def test_our_own_failure_is_told_as_it_is_even_in_a_fallback() -> None:
    ours = errors.DependencyUnavailableError("journal")
    run = Run(plan_for(groups("x", "y"), "x", settings=chain("x", "y")), always({"x": DOWN, "y": ours})).drive()
    assert run.error is ours


def test_a_cycle_of_fallbacks_visits_each_group_once() -> None:
    run = Run(plan_for(groups("x", "y"), "x", settings=chain("x", "y", "x")), always({"x": DOWN, "y": DOWN})).drive()
    assert run.tried == ["x", "y"]


def test_fallbacks_of_fallbacks_end_five_deep() -> None:
    names = [f"g{number}" for number in range(8)]
    run = Run(plan_for(groups(*names), "g0", settings=chain(*names)), always(dict.fromkeys(names, DOWN))).drive()
    assert run.tried == names[:6]


def test_a_targets_own_fallbacks_come_before_the_next_target() -> None:
    router = RouterSettings(num_retries=0, fallbacks={"x": ("y", "z"), "y": ("yy",)})
    names = ["x", "y", "z", "yy"]
    run = Run(plan_for(groups(*names), "x", settings=router), always(dict.fromkeys(names, DOWN))).drive()
    assert run.tried == ["x", "y", "yy", "z"]


def test_a_missing_fallback_group_is_passed_over() -> None:
    router = RouterSettings(num_retries=0, fallbacks={"x": ("missing", "y")})
    assert Run(plan_for(groups("x", "y"), "x", settings=router), always({"x": DOWN})).drive().tried == ["x", "y"]


def test_disable_fallbacks_stops_after_the_group() -> None:
    controls = Controls(disable_fallbacks=True)
    run = Run(plan_for(groups("x", "y"), "x", settings=chain("x", "y"), controls=controls), always({"x": DOWN})).drive()
    assert (run.tried, run.error) == (["x"], DOWN)


def test_fallbacks_of_the_request_replace_the_configured_ones() -> None:
    controls = Controls(fallbacks=("z",))
    run = Run(plan_for(groups("x", "y", "z"), "x", settings=chain("x", "y"), controls=controls), always({"x": DOWN})).drive()
    assert run.tried == ["x", "z"]


def test_a_too_long_input_goes_to_larger_models_until_one_takes_it() -> None:
    router = RouterSettings(context_window_fallbacks={"small": ("middle",), "middle": ("large",)}, fallbacks={"small": ("other",)})
    names = ("small", "middle", "large", "other")
    answers = always({"small": TOO_LONG, "middle": TOO_LONG})
    run = Run(plan_for(groups(*names), "small", settings=router), answers).drive()
    assert (run.tried, run.error) == (["small", "middle", "large"], None)


def test_a_too_long_input_without_a_larger_model_is_the_first_groups_error() -> None:
    router = RouterSettings(context_window_fallbacks={"small": ("middle",)})
    second = errors.ContextWindowExceededError("too long for middle as well")
    run = Run(plan_for(groups("small", "middle"), "small", settings=router), always({"small": TOO_LONG, "middle": second})).drive()
    assert (run.tried, run.error) == (["small", "middle"], TOO_LONG)


def test_a_content_refusal_uses_its_own_list() -> None:
    router = RouterSettings(content_policy_fallbacks={"x": ("z",)}, fallbacks={"x": ("y",)})
    assert Run(plan_for(groups("x", "y", "z"), "x", settings=router), always({"x": REFUSED})).drive().tried == ["x", "z"]


def test_at_most_twelve_attempts_are_made() -> None:
    names = [f"g{number}" for number in range(6)]
    router = RouterSettings(num_retries=9, allowed_fails=100, fallbacks={"g0": tuple(names[1:])})
    run = Run(plan_for(groups(*names), "g0", settings=router), always(dict.fromkeys(names, DOWN))).drive()
    assert len(run.tried) == MAX_ATTEMPTS
    assert run.error is DOWN


# --- cooldown -----------------------------------------------------------------------------------------------------------


def rest(cooldown: Cooldown, *names: str, seconds: float) -> None:
    for name in names:
        ticket = cooldown.begin(deployment(name), now=0.0)
        assert ticket is not None
        cooldown.failed(ticket, "rate_limit", retry_after=seconds, now=0.0)


def test_all_resting_is_429_with_the_time_until_the_first_comes_back() -> None:
    cooldown = Cooldown(RouterSettings())
    rest(cooldown, "a", seconds=30.0)
    rest(cooldown, "b", seconds=20.0)
    run = Run(plan_for([A, B], cooldown=cooldown), always({}), now=5.0).drive()
    assert isinstance(run.error, errors.AllCoolingDownError)
    assert (run.tried, run.error.retry_after_seconds) == ([], 15.0)


def test_all_resting_goes_to_the_fallback_at_once() -> None:
    cooldown = Cooldown(RouterSettings())
    rest(cooldown, "x", seconds=30.0)
    run = Run(plan_for(groups("x", "y"), "x", settings=chain("x", "y"), cooldown=cooldown), always({})).drive()
    assert (run.tried, run.waits, run.plan.fallbacks, run.plan.retries) == (["y"], [], 1, 0)


def test_a_lone_primary_with_a_fallback_rests_and_is_not_waited_for() -> None:
    cooldown = Cooldown(RouterSettings())
    router = RouterSettings(fallbacks={"x": ("y",)})
    plan = plan_for(groups("x", "y"), "x", settings=router, cooldown=cooldown)
    run = Run(plan, always({"x": limited(5.0)})).drive()
    assert (run.tried, run.waits) == (["x", "y"], [])
    later = Run(plan_for(groups("x", "y"), "x", settings=router, cooldown=cooldown), always({}), now=1.0).drive()
    assert later.tried == ["y"]


def test_a_lone_deployment_without_a_fallback_is_tried_once_a_second_while_it_rests() -> None:
    cooldown = Cooldown(RouterSettings(num_retries=0))
    settings_ = RouterSettings(num_retries=0)
    for second in range(3):
        Run(plan_for([A], settings=settings_, cooldown=cooldown), always({"a": DOWN}), now=float(second)).drive()
    assert cooldown.resting(now=2.0)
    refused = Run(plan_for([A], settings=settings_, cooldown=cooldown), always({}), now=2.5).drive()
    assert isinstance(refused.error, errors.AllCoolingDownError)
    assert refused.error.retry_after_seconds == 0.5
    assert Run(plan_for([A], settings=settings_, cooldown=cooldown), always({}), now=3.0).drive().tried == ["a"]


def test_failures_are_counted_for_the_deployment_that_failed_in_retries_and_fallbacks_too() -> None:
    router = RouterSettings(num_retries=0, allowed_fails=1, fallbacks={"x": ("y",)})
    cooldown = Cooldown(router)
    Run(plan_for(groups("x", "y", "z"), "x", settings=router, cooldown=cooldown), always({"x": DOWN, "y": DOWN})).drive()
    assert cooldown.resting(now=0.0) == {"x", "y"}


@pytest.mark.parametrize("error", [BAD, errors.GuardrailBlockedError("x"), errors.DeadlineExceededError("x")])
def test_what_the_caller_is_to_blame_for_rests_nobody(error: errors.TianjiError) -> None:
    cooldown = Cooldown(RouterSettings(allowed_fails=1))
    Run(plan_for([A], cooldown=cooldown), always({"a": error})).drive()
    assert not cooldown.resting(now=0.0)


def test_the_callers_own_credential_rests_nobody() -> None:
    cooldown = Cooldown(RouterSettings())
    Run(plan_for([A], cooldown=cooldown, own_credentials=True), always({"a": DENIED})).drive()
    assert not cooldown.resting(now=0.0)


def test_a_cancelled_probe_frees_its_place() -> None:
    cooldown = Cooldown(RouterSettings())
    rest(cooldown, "a", seconds=5.0)
    first = plan_for([A, B], cooldown=cooldown, settings=RouterSettings())
    step = first.next(now=5.0)
    assert isinstance(step, Try)
    first.cancelled()
    first.cancelled()
    assert cooldown.may_try(A.id, now=5.0)


def test_a_stream_that_breaks_counts_once() -> None:
    cooldown = Cooldown(RouterSettings(allowed_fails=2))
    for expected in (frozenset(), frozenset({"a"})):
        plan = plan_for([A], cooldown=cooldown, stream=True)
        assert isinstance(plan.next(now=0.0), Try)
        plan.answered(now=0.0)
        plan.failed(errors.UpstreamProtocolError("cut"), now=0.0)
        assert cooldown.resting(now=0.0) == expected


# --- deadline -----------------------------------------------------------------------------------------------------------


def test_a_wait_that_does_not_fit_the_deadline_is_not_begun() -> None:
    error = limited(2.0)
    run = Run(plan_for([A], deadline=1.0), always({"a": error})).drive()
    assert (run.tried, run.waits, run.error, run.now) == (["a"], [], error, 0.0)


def test_a_wait_that_does_not_fit_gives_way_to_the_fallback() -> None:
    router = RouterSettings(retry_after_seconds=5.0, fallbacks={"x": ("y",)})
    run = Run(plan_for(groups("x", "y"), "x", settings=router, deadline=1.0), always({"x": DOWN})).drive()
    assert (run.tried, run.waits) == (["x", "y"], [])


def test_after_the_deadline_the_call_ends_with_504() -> None:
    run = Run(plan_for([A, B, C], deadline=1.0), always({"a": DOWN, "b": DOWN, "c": DOWN}), seconds=0.6).drive()
    assert len(run.tried) == 2
    assert isinstance(run.error, errors.DeadlineExceededError)


def test_a_time_out_by_the_calls_own_deadline_rests_nobody_and_by_the_deployments_limit_it_does() -> None:
    timeout = errors.UpstreamTimeoutError("slow")
    cooldown = Cooldown(RouterSettings(allowed_fails=1))
    Run(plan_for([A], cooldown=cooldown, deadline=1.0), always({"a": timeout}), seconds=5.0).drive()
    assert not cooldown.resting(now=1.0)
    quick = deployment("quick", timeout_seconds=0.5)
    Run(plan_for([quick], cooldown=cooldown, deadline=1.0), always({"quick": timeout}), seconds=5.0).drive()
    assert cooldown.resting(now=1.0) == {"quick"}


def test_limits_of_an_attempt_are_handed_out() -> None:
    member = deployment("a", timeout_seconds=30, stream_timeout_seconds=10)
    step = plan_for([member], stream=True).next(now=100.0)
    assert isinstance(step, Try)
    assert (step.deadline_at, step.first_content_at, step.number, step.group) == (130.0, 110.0, 1, "gpt-4o")


# --- protocol -----------------------------------------------------------------------------------------------------------


def started() -> AttemptPlan:
    plan = plan_for([A])
    plan.next(now=0.0)
    return plan


def test_a_running_attempt_must_be_reported_before_the_next() -> None:
    with pytest.raises(RuntimeError, match="must be reported"):
        started().next(now=0.0)


def test_nothing_can_be_reported_twice() -> None:
    plan = started()
    plan.succeeded(now=0.0)
    with pytest.raises(RuntimeError, match="no running attempt"):
        plan.failed(DOWN, now=0.0)


def test_a_wait_is_repeated_until_it_is_over_and_a_stop_for_ever() -> None:
    plan = plan_for([A], settings=RouterSettings(num_retries=1))
    plan.next(now=0.0)
    plan.failed(DOWN, now=0.0)
    wait = plan.next(now=0.0)
    assert isinstance(wait, Wait)
    assert plan.next(now=wait.until / 2) == wait
    assert isinstance(plan.next(now=wait.until), Try)
    plan.failed(DOWN, now=wait.until)
    stop = plan.next(now=wait.until)
    assert isinstance(stop, Stop)
    assert plan.next(now=wait.until + 1) is stop


# --- laws ---------------------------------------------------------------------------------------------------------------

ERRORS = [DOWN, DENIED, TOO_LONG, REFUSED, BAD, limited(None), limited(3.0), limited(1e9), errors.UpstreamModelMissingError("x")]
NAMES = ["g0", "g1", "g2", "g3"]
LISTS = st.dictionaries(st.sampled_from([*NAMES, "*"]), st.lists(st.sampled_from([*NAMES, "missing"]), max_size=3).map(tuple), max_size=4)


@settings(max_examples=300)
@given(
    sizes=st.lists(st.integers(1, 3), min_size=4, max_size=4),
    general=LISTS,
    long=LISTS,
    mild=LISTS,
    retries=st.integers(0, 6),
    deadline=st.floats(0.1, 700),
    seconds=st.floats(0, 40),
    seed=st.integers(0, 2**32),
)
def test_every_call_ends_within_twelve_attempts_and_none_begins_after_the_deadline(
    sizes: list[int],
    general: dict[str, tuple[str, ...]],
    long: dict[str, tuple[str, ...]],
    mild: dict[str, tuple[str, ...]],
    retries: int,
    deadline: float,
    seconds: float,
    seed: int,
) -> None:
    members = [
        deployment(f"{name}-{number}", name, order=1 + number % 2)
        for name, size in zip(NAMES, sizes, strict=True)
        for number in range(size)
    ]
    router = RouterSettings(num_retries=retries, fallbacks=general, context_window_fallbacks=long, content_policy_fallbacks=mild)
    dice = Random(seed)
    plan = plan_for(members, "g0", settings=router, deadline=deadline, seed=seed)
    run = Run(plan, lambda member, number: dice.choice([*ERRORS, None]), seconds=seconds).drive()
    assert len(run.tried) == plan.attempts <= MAX_ATTEMPTS
    assert all(start < deadline for start in run.starts)
    assert run.now <= deadline or not run.starts
    assert plan.fallbacks == len(set(run.groups) - {"g0"})
    assert plan.retries == sum(count - 1 for count in Counter(run.groups).values())
    # A group is visited once: its attempts stand together.
    assert len([here for here, after in zip(run.groups, [*run.groups[1:], ""], strict=True) if here != after]) == len(set(run.groups))
