"""A routing strategy: which of the deployments that could serve an attempt does."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tianji_core.calls.deployment import Deployment
from tianji_core.calls.random import Rng


class Picker(Protocol):
    """The choice itself."""

    def __call__(self, deployments: Sequence[Deployment], rng: Rng) -> Deployment:
        """Return one of the deployments; there is at least one, all of them healthy and of one `order`."""
        ...


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """One value of `routing_strategy`. A module of `tianji_core.routing.strategies` exports it as `STRATEGY`."""

    name: str
    pick: Picker
