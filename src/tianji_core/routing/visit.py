"""One model group in one call: what failed there, whether it may be tried again, and when each deployment may be."""

from dataclasses import dataclass, field

import msgspec

from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.random import Rng
from tianji_core.errors import TianjiError
from tianji_core.routing.classes import FailureClass, failure_class, may_try_again
from tianji_core.routing.groups import Found
from tianji_core.routing.settings import RouterSettings

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
LONGEST_RETRY_AFTER_SECONDS = 60.0


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment's last failure in this call. `again_at`: when it may be repeated there, or None where it makes no sense."""

    error: TianjiError
    again_at: float | None


@dataclass(slots=True)
class Visit:
    """`error` is the group's last one; `may_retry` says whether the retries of the group are spent or pointless."""

    found: Found
    depth: int
    attempts: int = 0
    may_retry: bool = True
    error: TianjiError | None = None
    failures: dict[DeploymentId, Failure] = field(default_factory=dict)

    def failed(
        self, deployment: Deployment, error: TianjiError, settings: RouterSettings, controls: Controls, rng: Rng, *, now: float
    ) -> None:
        """Take note of a failed attempt, and draw the pause before it may be repeated at the same deployment."""
        self.error = error
        policy = _policy(self.found, failure_class(error), settings)
        again = may_try_again(error)
        if again == "never" and policy is not None:
            again = "anywhere"
        self.may_retry = again != "never" and self.attempts <= _retries(deployment, policy, settings, controls)
        pause = pause_seconds(error.retry_after_seconds, self.attempts - 1, settings.retry_after_seconds, rng)
        self.failures[deployment.id] = Failure(error=error, again_at=None if again != "anywhere" or pause is None else now + pause)

    def again_at(self, name: DeploymentId) -> float | None:
        """Return when a deployment that failed may be tried again, or None: never in this call, or it has not failed."""
        failure = self.failures.get(name)
        return None if failure is None else failure.again_at

    def may_repeat(self, name: DeploymentId, *, now: float) -> bool:
        """Whether the pause of a deployment that failed is over."""
        again = self.again_at(name)
        return again is not None and again <= now


def pause_seconds(retry_after: float | None, failures_before: int, least: float, rng: Rng) -> float | None:
    """Return the pause before a repetition, or None where the provider asks for more than anybody waits.

    Without `retry_after` it is exponential backoff with full jitter: anything between nothing and 0.5, 1, 2, … 8 seconds. With it,
    a little longer than it says, so that not all callers come back in the same instant.
    """
    if retry_after is None:
        return max(least, rng.random() * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures_before, 16)))
    if retry_after > LONGEST_RETRY_AFTER_SECONDS:
        return None
    wanted = max(0.0, retry_after)
    return max(least, wanted + rng.random() * min(1.0, wanted / 4))


def _policy(found: Found, failure: FailureClass | None, settings: RouterSettings) -> int | None:
    """Return what `model_group_retry_policy`, else `retry_policy`, says about a class of errors."""
    if failure is None:
        return None
    for group in (found.group, found.configured):
        number = settings.group_retries_by_class.get(group, {}).get(failure)
        if number is not None:
            return number
    return settings.retries_by_class.get(failure)


def _retries(deployment: Deployment, policy: int | None, settings: RouterSettings, controls: Controls) -> int:
    for number in (controls.num_retries, deployment.max_retries, policy):
        if number is not None:
            return number
    return settings.num_retries
