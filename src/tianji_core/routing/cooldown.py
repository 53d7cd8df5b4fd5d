"""Which deployments rest after failures, and until when.

Each deployment is closed (in use), open (resting until a moment) or half-open (the moment has passed: one call may probe it). Every
attempt takes a ticket with `begin` and gives it back exactly once, with `succeeded`, `failed` or `cancelled`; a ticket from before the
last change of state changes nothing, so that a thousand calls in flight when a deployment opens count as one opening.

Opens on: a rate limit (for `Retry-After`, at most an hour, else the first length), a refused credential or a missing model (60 s),
`allowed_fails` consecutive failures, or failures in more than half of at least ten calls within a minute. The length doubles with each
opening, 5 s up to 300 s, until ten good calls.

Times are monotonic seconds. A clock that jumps backwards neither prolongs a rest nor ends it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.routing.classes import FailureClass
from tianji_core.routing.recent import Recent
from tianji_core.routing.settings import RouterSettings

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 300.0
ACCOUNT_SECONDS = 60.0
RETRY_AFTER_LIMIT_SECONDS = 3600.0
GOOD_CALLS = 10
SHARE_CALLS = 10
LONE_SECONDS = 1.0
PROBE_SECONDS = 60.0
JUMP_SECONDS = 1.0

_COUNTED: frozenset[FailureClass] = frozenset({"rate_limit", "timeout", "authentication", "model_missing", "internal_server"})
_AT_ONCE: frozenset[FailureClass] = frozenset({"rate_limit", "authentication", "model_missing"})


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at one deployment. `epoch` is the state it began in."""

    deployment: Deployment
    epoch: int


@dataclass(slots=True)
class _State:
    epoch: int
    until: float | None = None
    openings: int = 0
    consecutive: int = 0
    good: int = 0
    began: float = float("-inf")
    probe_until: float = float("-inf")
    recent: Recent = field(default_factory=Recent)


@dataclass(slots=True)
class Cooldown:
    """The machine, for all deployments of one process."""

    settings: RouterSettings
    _known: dict[DeploymentId, Deployment] = field(default_factory=dict)
    _states: dict[DeploymentId, _State] = field(default_factory=dict)
    _epochs: int = 0
    _latest: float = float("-inf")
    _offset: float = 0.0

    def replace(self, settings: RouterSettings, deployments: Iterable[Deployment]) -> None:
        """Take over a new configuration. A deployment that left, or came back under its id with other parameters, loses its state."""
        self.settings = settings
        known = {deployment.id: deployment for deployment in deployments}
        self._states = {name: state for name, state in self._states.items() if name in known and known[name] == self._known.get(name)}
        self._known = known

    def may_try(self, name: DeploymentId, *, now: float, lone: bool = False) -> bool:
        """Whether an attempt may begin now. `lone`: nothing else can serve the call; then one a second goes through in any state."""
        return self._opens_at(name, self._time(now), lone) is None

    def begin(self, deployment: Deployment, *, now: float, lone: bool = False) -> Ticket | None:
        """Return the ticket of an attempt that begins now, or None where none may begin."""
        moment = self._time(now)
        if self._opens_at(deployment.id, moment, lone) is not None:
            return None
        state = self._states.get(deployment.id)
        if state is None:
            state = self._states[deployment.id] = _State(self._next_epoch())
        state.began = moment
        if state.until is not None:
            state.probe_until = moment + PROBE_SECONDS
        return Ticket(deployment=deployment, epoch=state.epoch)

    def answered(self, ticket: Ticket, *, now: float) -> None:
        """Take note that content has begun to arrive: a probe has shown that the deployment works. The ticket stays out."""
        self._time(now)
        state = self._current(ticket)
        if state is not None and state.until is not None:
            state.until = None
            state.probe_until = float("-inf")
            state.consecutive = 0
            state.recent.clear()

    def succeeded(self, ticket: Ticket, *, now: float) -> None:
        """Count a good call; a good probe closes the deployment."""
        moment = self._time(now)
        self.answered(ticket, now=now)
        state = self._current(ticket)
        if state is None:
            return
        state.recent.add(moment, failed=False)
        state.consecutive = 0
        state.good += 1
        if state.good >= GOOD_CALLS:
            state.openings = 0

    def cancelled(self, ticket: Ticket) -> None:
        """Give a ticket back that says nothing about the deployment: the caller left, or was at fault. Frees a probe's place."""
        state = self._current(ticket)
        if state is not None:
            state.probe_until = float("-inf")

    def failed(self, ticket: Ticket, failure: FailureClass | None, *, retry_after: float | None, now: float) -> None:
        """Count a failed attempt, and open the deployment where that is due. A class that is not counted is a `cancelled`."""
        moment = self._time(now)
        state = self._current(ticket)
        if state is None:
            return
        if failure is None or (failure not in _COUNTED and failure not in self.settings.allowed_fails_by_class):
            self.cancelled(ticket)
            return
        state.recent.add(moment, failed=True)
        state.consecutive += 1
        state.good = 0
        base = self._base_seconds(ticket.deployment)
        if base <= 0:
            state.until = None
        elif state.until is not None or self._is_due(state, ticket.deployment, failure, retry_after):
            self._open(state, moment, failure, retry_after, base)

    def resting(self, *, now: float) -> frozenset[DeploymentId]:
        """Return the deployments that are open: not those that wait for a probe or for its result."""
        moment = self._time(now)
        return frozenset(name for name, state in self._states.items() if state.until is not None and state.until > moment)

    def until(self, name: DeploymentId, *, now: float, lone: bool = False) -> float | None:
        """Return when an attempt may begin at the earliest, or None where it may now."""
        moment = self._opens_at(name, self._time(now), lone)
        return None if moment is None else moment - self._offset

    def next_change(self) -> float | None:
        """Return when the next resting deployment comes back, or None where none rests."""
        ends = [state.until for state in self._states.values() if state.until is not None and state.until > self._latest]
        return min(ends) - self._offset if ends else None

    def _opens_at(self, name: DeploymentId, moment: float, lone: bool) -> float | None:
        state = self._states.get(name)
        if state is None or state.until is None:
            return None
        at = state.until
        if at <= moment < state.probe_until:
            # A probe is out; nobody knows when it comes back, so that this is when to ask again.
            at = min(state.probe_until, moment + LONE_SECONDS)
        if lone:
            at = min(at, state.began + LONE_SECONDS)
        return at if at > moment else None

    def _is_due(self, state: _State, deployment: Deployment, failure: FailureClass, retry_after: float | None) -> bool:
        named = self.settings.allowed_fails_by_class.get(failure)
        # A rate limit that ends at once is no reason to rest by itself.
        if named is None and failure in _AT_ONCE and not (failure == "rate_limit" and retry_after is not None and retry_after <= 0):
            return True
        own = deployment.model_info.get("allowed_fails")
        tolerated = named if named is not None else own if isinstance(own, int) else self.settings.allowed_fails
        if state.consecutive >= max(1, tolerated):
            return True
        return state.recent.calls >= SHARE_CALLS and state.recent.failures * 2 > state.recent.calls

    def _open(self, state: _State, moment: float, failure: FailureClass, retry_after: float | None, base: float) -> None:
        state.epoch = self._next_epoch()
        state.probe_until = float("-inf")
        state.consecutive = 0
        if state.until is not None and state.until > moment:
            return  # a trial of a lone deployment: the rest stays as long as it was
        first = max(base, ACCOUNT_SECONDS) if failure in ("authentication", "model_missing") else base
        length = min(first * 2.0 ** min(state.openings, 16), max(first, LONGEST_SECONDS))
        if failure == "rate_limit" and retry_after is not None and retry_after > 0:
            length = min(retry_after, RETRY_AFTER_LIMIT_SECONDS)
        state.openings += 1
        state.until = moment + length

    def _base_seconds(self, deployment: Deployment) -> float:
        for seconds in (deployment.cooldown_seconds, self.settings.cooldown_seconds):
            if seconds is not None:
                return seconds
        return FIRST_SECONDS

    def _current(self, ticket: Ticket) -> _State | None:
        state = self._states.get(ticket.deployment.id)
        return state if state is not None and state.epoch == ticket.epoch else None

    def _next_epoch(self) -> int:
        self._epochs += 1
        return self._epochs

    def _time(self, now: float) -> float:
        """Return the machine's own time, which never runs backwards: small steps back stand still, a jump moves the zero."""
        moment = now + self._offset
        if self._latest - moment > JUMP_SECONDS:
            self._offset += self._latest - moment
            moment = self._latest
        self._latest = max(self._latest, moment)
        return self._latest
