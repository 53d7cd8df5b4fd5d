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
    """A deployment's last failure in this call. `again_at`: when it may be repeated there by its own word, or None: never."""

    error: TianjiError
    again_at: float | None


@dataclass(slots=True)
class Visit:
    """What a call has seen of a group.

    Attributes:
        may_retry: Whether retries are left and make sense.
        error: The last one.
        pause_until: Before it, no deployment that failed is repeated.
    """

    found: Found
    depth: int
    attempts: int = 0
    may_retry: bool = True
    error: TianjiError | None = None
    pause_until: float = float("-inf")
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
        self.pause_until = now + max(settings.retry_after_seconds, _backoff_seconds(error, self.attempts - 1, rng))
        wanted = _wanted_seconds(error, rng) if again == "anywhere" else None
        self.failures[deployment.id] = Failure(error=error, again_at=None if wanted is None else now + wanted)

    def again_at(self, name: DeploymentId) -> float | None:
        """Return when a deployment that failed may be tried again, or None: never in this call, or it has not failed."""
        failure = self.failures.get(name)
        return None if failure is None or failure.again_at is None else max(failure.again_at, self.pause_until)

    def may_repeat(self, name: DeploymentId, *, now: float) -> bool:
        """Whether the pause of a deployment that failed is over."""
        again = self.again_at(name)
        return again is not None and again <= now


def _backoff_seconds(error: TianjiError, failures_before: int, rng: Rng) -> float:
    """Return a pause with full jitter: anything between nothing and 0.5, 1, 2, … 8 seconds; nothing where the provider says when."""
    if error.retry_after_seconds is not None:
        return 0.0
    return rng.random() * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures_before, 16))


def _wanted_seconds(error: TianjiError, rng: Rng) -> float | None:
    """Return the pause that the provider asks for, a little longer so that not all callers come back in the same instant.

    None where it asks for more than anybody waits.
    """
    seconds = max(0.0, error.retry_after_seconds or 0.0)
    return None if seconds > LONGEST_RETRY_AFTER_SECONDS else seconds + rng.random() * min(1.0, seconds / 4)


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
