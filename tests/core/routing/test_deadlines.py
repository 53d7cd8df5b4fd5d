"""Time limits of a call and of its attempts."""

import pytest

from support.routing import deployment
from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.routing.deadlines import Limits, attempt_limits, call_deadline
from tianji_core.routing.settings import RouterSettings


def limits(
    member: Deployment,
    *,
    settings: RouterSettings | None = None,
    controls: Controls | None = None,
    stream: bool = False,
    deadline: float = 110.0,
) -> Limits:
    return attempt_limits(member, settings or RouterSettings(), controls or Controls(), stream=stream, now=100.0, deadline=deadline)


@pytest.mark.parametrize(
    ("asked", "configured", "most", "seconds"),
    [
        (None, 600.0, 600.0, 600.0),
        (5.0, 600.0, 600.0, 5.0),
        (5000.0, 600.0, 600.0, 600.0),
        (None, 900.0, 900.0, 900.0),
        (None, 900.0, 60.0, 60.0),
    ],
)
def test_the_caller_may_ask_for_less_but_not_for_more_than_the_limit(
    asked: float | None, configured: float, most: float, seconds: float
) -> None:
    settings = RouterSettings(timeout_seconds=configured, max_timeout_seconds=most)
    assert call_deadline(settings, Controls(timeout_seconds=asked), now=100.0) == 100.0 + seconds


def test_an_attempt_gets_the_smaller_of_its_own_limit_and_the_rest() -> None:
    assert limits(deployment("a")).deadline_at == 110.0
    assert limits(deployment("a", timeout_seconds=3)).deadline_at == 103.0
    assert limits(deployment("a", timeout_seconds=30)).deadline_at == 110.0


def test_only_a_stream_has_a_limit_until_its_first_content() -> None:
    member = deployment("a", stream_timeout_seconds=2)
    assert limits(member).first_content_at is None
    assert limits(member, stream=True).first_content_at == 102.0


def test_the_first_content_is_limited_by_caller_then_deployment_then_router_and_never_beyond_the_deadline() -> None:
    router = RouterSettings(stream_timeout_seconds=4)
    own = deployment("a", stream_timeout_seconds=2)
    assert limits(own, settings=router, controls=Controls(stream_timeout_seconds=3), stream=True).first_content_at == 103.0
    assert limits(own, settings=router, stream=True).first_content_at == 102.0
    assert limits(deployment("a"), settings=router, stream=True).first_content_at == 104.0
    assert limits(deployment("a"), stream=True).first_content_at == 110.0
    assert limits(own, stream=True, deadline=101.0).first_content_at == 101.0


def test_a_time_out_is_the_deployments_only_when_its_own_limit_ran_out_first() -> None:
    assert limits(deployment("a")).is_callers_fault(110.0)
    assert not limits(deployment("a", timeout_seconds=3)).is_callers_fault(103.0)
    assert not limits(deployment("a", timeout_seconds=3)).is_callers_fault(110.0)
    assert limits(deployment("a", timeout_seconds=30)).is_callers_fault(110.0)
    # The provider's own time-out, long before any limit of ours.
    assert not limits(deployment("a")).is_callers_fault(105.0)


def test_the_callers_own_stream_limit_is_the_callers_fault() -> None:
    asked = Controls(stream_timeout_seconds=1)
    assert limits(deployment("a", stream_timeout_seconds=5), controls=asked, stream=True).is_callers_fault(101.0)
    assert not limits(deployment("a", stream_timeout_seconds=1), stream=True).is_callers_fault(101.0)
