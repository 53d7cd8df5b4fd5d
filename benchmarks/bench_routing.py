"""The attempts of one call."""

from decimal import Decimal
from random import Random

from pytest_benchmark.fixture import BenchmarkFixture

from support.routing import weighted
from tianji_core.calls.controls import Controls
from tianji_core.routing.cooldown import Cooldown
from tianji_core.routing.groups import ModelIndex
from tianji_core.routing.plan import AttemptPlan, Try
from tianji_core.routing.settings import RouterSettings
from tianji_core.routing.strategies.simple_shuffle import pick


def bench_plan_over_four_deployments(benchmark: BenchmarkFixture) -> None:
    deployments = [weighted(name, weight) for name, weight in (("a", "4"), ("b", "3"), ("c", "2"), ("d", "1"))]
    settings, controls, rng = RouterSettings(), Controls(), Random(1)  # noqa: S311 - which deployment serves is no secret
    index = ModelIndex.build(deployments, settings.aliases)
    cooldown = Cooldown(settings)
    cooldown.replace(settings, deployments)

    def first_attempt() -> Decimal | None:
        plan = AttemptPlan(
            found=index.find("gpt-4o"),
            lookup=index.lookup,
            settings=settings,
            controls=controls,
            cooldown=cooldown,
            pick=pick,
            rng=rng,
            deadline=600.0,
        )
        step = plan.next(now=0.0)
        assert isinstance(step, Try)
        plan.answered(now=1.0)
        plan.succeeded(now=1.0)
        return step.deployment.weight

    assert benchmark(first_attempt)
