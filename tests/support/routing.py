"""Deployments, and a driver that runs an attempt plan against scripted answers with a clock of its own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.errors import TianjiError
from tianji_core.routing.cooldown import Cooldown
from tianji_core.routing.groups import ModelIndex
from tianji_core.routing.plan import AttemptPlan, Stop, Try, Wait
from tianji_core.routing.settings import RouterSettings
from tianji_core.routing.strategies.simple_shuffle import pick


def deployment(name: str, group: str = "gpt-4o", **fields: object) -> Deployment:
    """Return a deployment with this id; `provider` and `model` have defaults."""
    values: dict[str, object] = {"provider": "openai", "model": group, **fields}
    return Deployment(id=DeploymentId(name), group=group, **values)  # type: ignore[arg-type]


def weighted(name: str, weight: str | None) -> Deployment:
    """Return a deployment with this weight."""
    return deployment(name, weight=None if weight is None else Decimal(weight))


Answers = Callable[[Deployment, int], TianjiError | None]
"""What the deployment answers to the attempt with this number: an error, or None for success."""


def always(errors: Mapping[str, TianjiError | None]) -> Answers:
    """Return answers that depend on the deployment alone; one that is not named succeeds."""
    return lambda deployment, number: errors.get(deployment.id)


@dataclass(slots=True)
class Run:
    """One call, driven to its end.

    Attributes:
        seconds: How long each attempt takes.
        tried: Ids, in order; `groups` what the plan said served.
        waits: How long each pause was.
        error: What the caller gets, or None after success.
    """

    plan: AttemptPlan
    answers: Answers
    now: float = 0.0
    seconds: float = 0.0
    tried: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    error: TianjiError | None = None

    def drive(self) -> "Run":
        """Run until success or the end."""
        while True:
            match self.plan.next(now=self.now):
                case Stop(error=error):
                    self.error = error
                    return self
                case Wait(until=until):
                    assert until > self.now
                    self.waits.append(until - self.now)
                    self.now = until
                case Try() as step:
                    if self._attempt(step):
                        return self

    def _attempt(self, step: Try) -> bool:
        self.tried.append(step.deployment.id)
        self.groups.append(step.group)
        self.starts.append(self.now)
        self.now = min(self.now + self.seconds, step.deadline_at)
        error = self.answers(step.deployment, step.number)
        if error is None:
            self.plan.succeeded(now=self.now)
            return True
        self.plan.failed(error, now=self.now)
        return False


def plan_for(
    deployments: Iterable[Deployment],
    name: str = "gpt-4o",
    *,
    settings: RouterSettings | None = None,
    controls: Controls | None = None,
    cooldown: Cooldown | None = None,
    deadline: float = 600.0,
    seed: int = 1,
    stream: bool = False,
    own_credentials: bool = False,
) -> AttemptPlan:
    """Return the plan of one call to a model."""
    settings = settings or RouterSettings()
    index = ModelIndex.build(deployments, settings.aliases)
    return AttemptPlan(
        found=index.find(name),
        lookup=index.lookup,
        settings=settings,
        controls=controls or Controls(),
        cooldown=cooldown or Cooldown(settings),
        pick=pick,
        rng=Random(seed),
        deadline=deadline,
        stream=stream,
        own_credentials=own_credentials,
    )
