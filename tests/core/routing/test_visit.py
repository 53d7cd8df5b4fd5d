"""One group in one call."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.routing import deployment
from tianji_core import errors
from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.routing.groups import Found
from tianji_core.routing.settings import RouterSettings
from tianji_core.routing.visit import Visit

UNAVAILABLE = errors.UpstreamUnavailableError("down")


def visit_of(member: Deployment, group: str = "gpt-4o", configured: str = "gpt-4o") -> Visit:
    return Visit(Found(asked=group, group=group, configured=configured, deployments=(member,)), depth=0)


def retries(
    error: errors.TianjiError, *, settings: RouterSettings | None = None, controls: Controls | None = None, member: Deployment | None = None
) -> int:
    """Return how many further attempts the group allows when each one fails with this error."""
    member = member or deployment("a")
    visit = visit_of(member)
    while visit.may_retry:
        visit.attempts += 1
        visit.failed(member, error, settings or RouterSettings(), controls or Controls(), Random(1), now=0.0)
    return visit.attempts - 1


def test_further_attempts_come_from_request_then_deployment_then_policies_then_router() -> None:
    settings = RouterSettings(
        num_retries=1, retries_by_class={"internal_server": 3}, group_retries_by_class={"gpt-4o": {"internal_server": 4}}
    )
    member = deployment("a", max_retries=5)
    assert retries(UNAVAILABLE, settings=settings, member=member, controls=Controls(num_retries=6)) == 6
    assert retries(UNAVAILABLE, settings=settings, member=member) == 5
    assert retries(UNAVAILABLE, settings=settings) == 4
    assert retries(UNAVAILABLE, settings=RouterSettings(num_retries=1, retries_by_class={"internal_server": 3})) == 3
    assert retries(UNAVAILABLE, settings=RouterSettings(num_retries=1, retries_by_class={"timeout": 3})) == 1
    assert retries(UNAVAILABLE) == 2
    assert retries(UNAVAILABLE, controls=Controls(num_retries=0), settings=settings) == 0


def test_a_group_policy_may_name_the_pattern() -> None:
    visit = visit_of(deployment("a"), "openai/x", "openai/*")
    visit.attempts = 1
    settings = RouterSettings(group_retries_by_class={"openai/*": {"internal_server": 0}})
    visit.failed(deployment("a"), UNAVAILABLE, settings, Controls(), Random(1), now=0.0)
    assert not visit.may_retry


@pytest.mark.parametrize("error", [errors.InvalidRequestError("x"), errors.ContentPolicyError("x"), errors.UpstreamModelMissingError("x")])
def test_what_is_not_retryable_is_repeated_only_where_a_policy_names_its_class(error: errors.TianjiError) -> None:
    assert retries(error) == 0
    named = {"bad_request": 1, "content_policy": 1, "model_missing": 1}
    assert retries(error, settings=RouterSettings(retries_by_class=named)) == 1


def test_a_refused_credential_is_never_repeated_at_the_same_deployment() -> None:
    visit = visit_of(deployment("a"))
    visit.attempts = 1
    visit.failed(deployment("a"), errors.UpstreamAuthenticationError("x"), RouterSettings(), Controls(), Random(1), now=0.0)
    assert visit.may_retry
    assert not visit.may_repeat(deployment("a").id, now=1e9)


def test_a_deployment_may_be_repeated_after_its_own_pause() -> None:
    visit = visit_of(deployment("a"))
    visit.attempts = 1
    limited = errors.UpstreamRateLimitedError("x", retry_after_seconds=10)
    visit.failed(deployment("a"), limited, RouterSettings(), Controls(), Random(1), now=100.0)
    again = visit.again_at(deployment("a").id)
    assert again is not None
    assert 110.0 <= again < 111.0
    assert not visit.may_repeat(deployment("a").id, now=again - 0.001)
    assert visit.may_repeat(deployment("a").id, now=again)
    assert visit.again_at(deployment("b").id) is None


def pause(error: errors.TianjiError, *, before: int = 0, least: float = 0.0, seed: int = 1) -> float | None:
    """Return the pause that a failure after so many others begins."""
    visit = visit_of(deployment("a"))
    visit.attempts = before + 1
    visit.failed(deployment("a"), error, RouterSettings(retry_after_seconds=least), Controls(), Random(seed), now=0.0)
    return visit.again_at(deployment("a").id)


def limited(after: float) -> errors.TianjiError:
    return errors.UpstreamRateLimitedError("x", retry_after_seconds=after)


@given(before=st.integers(0, 1000), seed=st.integers())
def test_backoff_is_full_jitter_up_to_eight_seconds(before: int, seed: int) -> None:
    seconds = pause(UNAVAILABLE, before=before, seed=seed)
    assert seconds is not None
    assert 0 <= seconds < min(8.0, 0.5 * 2**before)


@given(wanted=st.floats(0, 60), seed=st.integers())
def test_a_retry_after_is_waited_for_in_full_and_a_little_longer(wanted: float, seed: int) -> None:
    seconds = pause(limited(wanted), seed=seed)
    assert seconds is not None
    assert wanted <= seconds <= wanted + min(1.0, wanted / 4)


@pytest.mark.parametrize("after", [60.1, 1e9, float("inf")])
def test_a_long_retry_after_is_not_waited_for(after: float) -> None:
    assert pause(limited(after)) is None


def test_the_least_pause_holds_for_every_kind() -> None:
    assert pause(UNAVAILABLE, least=9.0) == 9.0
    assert pause(limited(0.0), least=9.0) == 9.0
    assert pause(limited(-5.0)) == 0.0


def test_the_pause_of_the_last_failure_holds_for_all_of_the_group() -> None:
    visit = visit_of(deployment("a"))
    for number, name in enumerate(("a", "b")):
        visit.attempts = number + 1
        visit.failed(deployment(name), UNAVAILABLE, RouterSettings(), Controls(), Random(number), now=float(number))
    assert visit.again_at(deployment("a").id) == visit.again_at(deployment("b").id) == visit.pause_until > 1.0
