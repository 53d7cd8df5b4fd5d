"""The attempts of one call: which deployment is tried next, after what pause, and when to give up.

After a failure, in this order: another healthy deployment of the group at once; else a pause and a deployment that failed before; else
the next model group. A group is visited once per call, a call makes at most twelve attempts, and none begins at or after the deadline.
When everything has failed the caller gets the error of the group it asked for.

The driver asks `next`, does what it says, and reports each attempt once, with `succeeded`, `failed` or `cancelled`.
"""

from collections import deque
from dataclasses import dataclass, field

import msgspec

from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.random import Rng
from tianji_core.errors import AllCoolingDownError, CallerError, DeadlineExceededError, TianjiError, UpstreamTimeoutError
from tianji_core.routing.classes import failure_class
from tianji_core.routing.cooldown import Cooldown, Ticket
from tianji_core.routing.deadlines import Limits, attempt_limits
from tianji_core.routing.fallbacks import failure_kind, targets_of
from tianji_core.routing.groups import Found, Lookup
from tianji_core.routing.settings import RouterSettings
from tianji_core.routing.visit import Visit
from tianji_core.shapes.strategies import Picker

MAX_ATTEMPTS = 12
LONGEST_WAIT_SECONDS = 61.0
"""The longest `Retry-After` that is waited for, and its jitter."""


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """Make an attempt.

    Attributes:
        group: Which model group serves: the one asked for, or a fallback.
        number: Counted from 1 over the whole call.
        deadline_at, first_content_at: Monotonic seconds; as in `Limits`.
    """

    deployment: Deployment
    group: str
    number: int
    deadline_at: float
    first_content_at: float | None


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Come back at this monotonic second; it lies before the deadline."""

    until: float


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Give up; the caller gets this error."""

    error: TianjiError


Step = Try | Wait | Stop


@dataclass(slots=True)
class AttemptPlan:
    """The machine of one call.

    Attributes:
        found: The group that was asked for; `lookup` finds the fallbacks in the same snapshot.
        pick: The strategy's choice.
        stream: Whether the answer is streamed, so that the limit until the first content holds.
        deadline: Of the whole call, monotonic seconds; see `call_deadline`.
        own_credentials: The caller brought the provider's key: its failures say nothing about the deployment.
        attempts, retries, fallbacks: Attempts so far; those beyond the first in a group; groups tried beyond the first.
    """

    found: Found
    lookup: Lookup
    settings: RouterSettings
    controls: Controls
    cooldown: Cooldown
    pick: Picker
    rng: Rng
    deadline: float
    stream: bool = False
    own_credentials: bool = False
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    _visit: Visit = field(init=False)
    _first: Visit = field(init=False)
    _seen: set[str] = field(init=False)
    _queue: deque[tuple[str, int]] = field(default_factory=deque)
    _running: tuple[Ticket, Limits] | None = None
    _wait_until: float | None = None
    _stop: Stop | None = None

    def __post_init__(self) -> None:
        self._visit = self._first = Visit(self.found, depth=0)
        self._seen = {self.found.group}

    def next(self, *, now: float) -> Step:
        """Return what to do now. Asked again during a `Wait` it returns the same one.

        Raises:
            RuntimeError: the attempt before was not reported.
        """
        if self._running is not None:
            raise RuntimeError("the running attempt must be reported before the next one is asked for")
        if self._stop is None and now >= self.deadline:
            self._stop = Stop(error=DeadlineExceededError("the deadline of the call ran out before a provider answered"))
        if self._stop is not None:
            return self._stop
        if self._wait_until is not None and now < self._wait_until:
            return Wait(until=self._wait_until)
        self._wait_until = None
        return self._advance(now)

    def answered(self, *, now: float) -> None:
        """Take note that the attempt's first content has arrived; it goes on, and must still be reported."""
        if self._running is not None:
            self.cooldown.answered(self._running[0], now=now)

    def succeeded(self, *, now: float) -> None:
        """Report that the running attempt brought the whole answer."""
        self.cooldown.succeeded(self._end()[0], now=now)

    @property
    def is_running(self) -> bool:
        """Whether an attempt has not been reported yet."""
        return self._running is not None

    def cancelled(self) -> None:
        """Report that the running attempt was broken off by the caller. Without a running attempt nothing happens."""
        if self._running is not None:
            self.cooldown.cancelled(self._end()[0])

    def failed(self, error: TianjiError, *, now: float) -> None:
        """Report why the running attempt failed, also when its stream broke after the answer was committed (then ask no more)."""
        ticket, limits = self._end()
        if self.own_credentials or (isinstance(error, UpstreamTimeoutError) and limits.is_callers_fault(now)):
            self.cooldown.cancelled(ticket)
        else:
            self.cooldown.failed(ticket, failure_class(error), retry_after=error.retry_after_seconds, now=now)
        self._visit.failed(ticket.deployment, error, self.settings, self.controls, self.rng, now=now)
        if failure_kind(error) is None and not self._visit.may_retry:
            # What a fallback refuses, the caller never asked it; what is our own fault is told as it is.
            self._stop = Stop(error=self._first.error or error if isinstance(error, CallerError) else error)

    def _advance(self, now: float) -> Step:
        while True:
            if self.attempts < MAX_ATTEMPTS:
                step = self._in_group(now)
                if step is not None:
                    return step
                if self._next_group():
                    continue
            error = self._first.error or self._all_resting(self._first, now)
            self._stop = Stop(error=error)
            return self._stop

    def _in_group(self, now: float) -> Step | None:
        visit = self._visit
        if not visit.may_retry:
            return None
        lone = self._is_lone(visit)
        members = [member for member in visit.found.deployments if self.cooldown.may_try(member.id, now=now, lone=lone)]
        chosen = [member for member in members if member.id not in visit.failures]
        if not chosen:
            chosen = [member for member in members if visit.may_repeat(member.id, now=now)]
        if chosen:
            return self._try(visit, chosen, lone, now)
        if visit.error is None:
            visit.error = self._all_resting(visit, now)
            return None
        return self._pause(visit, members, lone, now)

    def _try(self, visit: Visit, chosen: list[Deployment], lone: bool, now: float) -> Try:
        order = min(member.order for member in chosen)
        deployment = self.pick([member for member in chosen if member.order == order], self.rng)
        ticket = self.cooldown.begin(deployment, now=now, lone=lone)
        if ticket is None:
            raise RuntimeError(f"the deployment {deployment.id} may be tried and may not begin")
        limits = attempt_limits(deployment, self.settings, self.controls, stream=self.stream, now=now, deadline=self.deadline)
        self._running = (ticket, limits)
        self.attempts += 1
        self.retries += int(visit.attempts > 0)
        self.fallbacks += int(visit.attempts == 0 and visit.depth > 0)
        visit.attempts += 1
        return Try(
            deployment=deployment,
            group=visit.found.group,
            number=self.attempts,
            deadline_at=limits.deadline_at,
            first_content_at=limits.first_content_at,
        )

    def _pause(self, visit: Visit, members: list[Deployment], lone: bool, now: float) -> Wait | None:
        """Return the shortest useful wait, or None where none is: nothing healthy and a fallback left, or it does not fit."""
        if not members and self._has_fallback():
            return None
        moments: list[float] = []
        for member in visit.found.deployments:
            again = visit.again_at(member.id) if member.id in visit.failures else now
            if again is not None:
                moments.append(max(again, self.cooldown.until(member.id, now=now, lone=lone) or now))
        until = min(moments, default=float("inf"))
        if until >= self.deadline or until - now > LONGEST_WAIT_SECONDS or until <= now:
            return None
        self._wait_until = until
        return Wait(until=until)

    def _next_group(self) -> bool:
        """Go to the next group that can follow up the error of this one."""
        if self._visit.error is not None and failure_kind(self._visit.error) is None:
            return False
        below = [(name, self._visit.depth + 1) for name in self._targets()]
        self._queue.extendleft(reversed(below))
        while self._queue:
            name, depth = self._queue.popleft()
            found = self.lookup(name)
            if found is not None and found.group not in self._seen:
                self._seen.add(found.group)
                self._visit = Visit(found, depth=depth)
                return True
        return False

    def _targets(self) -> tuple[str, ...]:
        kind = "general" if self._visit.error is None else failure_kind(self._visit.error)
        if kind is None:
            return ()
        found = self._visit.found
        return targets_of(found.group, found.configured, kind, self.settings, self.controls, depth=self._visit.depth)

    def _has_fallback(self) -> bool:
        names = [*self._targets(), *(name for name, _ in self._queue)]
        return any(found is not None and found.group not in self._seen for found in map(self.lookup, names))

    def _is_lone(self, visit: Visit) -> bool:
        return len(visit.found.deployments) == 1 and not self._has_fallback()

    def _all_resting(self, visit: Visit, now: float) -> AllCoolingDownError:
        lone = self._is_lone(visit)
        moments = [self.cooldown.until(member.id, now=now, lone=lone) or now for member in visit.found.deployments]
        seconds = max(0.0, min(moments) - now)
        return AllCoolingDownError(
            f"no deployment of `{visit.found.group}` is available: all of them rest after failures, try again in {seconds:.0f} seconds",
            retry_after_seconds=seconds,
        )

    def _end(self) -> tuple[Ticket, Limits]:
        if self._running is None:
            raise RuntimeError("there is no running attempt to report")
        running, self._running = self._running, None
        return running
