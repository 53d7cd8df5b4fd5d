"""`simple-shuffle`: a weighted random choice.

Weights are the deployments' `weight`, else their `rpm`, else their `tpm`: the first of the three that any survivor has. A deployment
without the number counts 0; where all count 0 the choice is uniform. Weights are relative within the survivors, so that the proportions
of the others stay when one leaves.
"""

from collections.abc import Sequence

from tianji_core.calls.deployment import Deployment
from tianji_core.calls.random import Rng
from tianji_core.shapes.strategies import Strategy


def pick(deployments: Sequence[Deployment], rng: Rng) -> Deployment:
    """Return one deployment, by weight."""
    weights = _weights(deployments)
    total = sum(weights)
    if total <= 0:
        return deployments[min(int(rng.random() * len(deployments)), len(deployments) - 1)]
    mark = rng.random() * total
    weighted = [(deployment, weight) for deployment, weight in zip(deployments, weights, strict=True) if weight > 0]
    for deployment, weight in weighted:
        mark -= weight
        if mark < 0:
            return deployment
    # Rounding can leave a hair of `mark` over.
    return weighted[-1][0]


def _weights(deployments: Sequence[Deployment]) -> list[float]:
    for name in ("weight", "rpm", "tpm"):
        numbers = [getattr(deployment, name) for deployment in deployments]
        if any(number is not None for number in numbers):
            return [max(0.0, float(number or 0)) for number in numbers]
    return [0.0] * len(deployments)


STRATEGY = Strategy(name="simple-shuffle", pick=pick)
