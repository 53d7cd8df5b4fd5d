"""Time limits: one deadline for the whole call, and what each attempt gets of it. Times are monotonic seconds."""

import msgspec

from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.routing.settings import RouterSettings


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When one attempt has to be over.

    Attributes:
        deadline_at: For the whole answer, or of a stream for its first content.
        first_content_at: For the first content of a stream; None for an answer that comes whole.
        callers_at: The earliest limit that is the call's own, not the deployment's.
        deployments_at: The earliest limit that the operator gave the deployment, or None.
    """

    deadline_at: float
    first_content_at: float | None
    callers_at: float
    deployments_at: float | None

    def is_callers_fault(self, now: float) -> bool:
        """Whether a time-out at `now` comes from the caller's own limit and says nothing about the deployment."""
        return now >= self.callers_at and (self.deployments_at is None or self.deployments_at > self.callers_at)


def call_deadline(settings: RouterSettings, controls: Controls, *, now: float) -> float:
    """Return when the call has to be answered, retries and fallbacks included. A caller can ask for less, hardly for more."""
    wanted = controls.timeout_seconds if controls.timeout_seconds is not None else settings.timeout_seconds
    return now + min(wanted, settings.max_timeout_seconds)


def attempt_limits(
    deployment: Deployment, settings: RouterSettings, controls: Controls, *, stream: bool, now: float, deadline: float
) -> Limits:
    """Return the limits of an attempt that begins now."""
    own = _after(now, deployment.timeout_seconds)
    deadline_at = _earliest(deadline, own)
    callers_at = deadline
    first_content_at = None
    if stream:
        callers = _after(now, controls.stream_timeout_seconds)
        given = deployment.stream_timeout_seconds
        # The caller's word replaces the operator's, as for every other setting of a call.
        operators = _after(now, given if given is not None else settings.stream_timeout_seconds) if callers is None else None
        first_content_at = _earliest(deadline_at, callers, operators)
        callers_at = _earliest(deadline, callers)
        own = _earliest_or_none(own, operators)
    return Limits(deadline_at=deadline_at, first_content_at=first_content_at, callers_at=callers_at, deployments_at=own)


def _after(now: float, seconds: float | None) -> float | None:
    return None if seconds is None else now + seconds


def _earliest(first: float, *others: float | None) -> float:
    return min([first, *(other for other in others if other is not None)])


def _earliest_or_none(*moments: float | None) -> float | None:
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None
