"""Limits and budgets: may this call go, and what does it hold while it runs?"""

from collections.abc import Sequence
from typing import Protocol

from tianji_core.access.principal import Principal
from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.usage import Usage
from tianji_core.shapes.codecs import Request


class Admission(Protocol):
    """One decision over everything that limits a caller, taken in one step."""

    async def admit(self, call_id: str, principal: Principal, request: Request, candidates: Sequence[Deployment]) -> None:
        """Hold what the dearest candidate may cost. Raises LimitExceededError; then nothing is held."""
        ...

    async def settle(self, call_id: str, usage: Usage, cost: Cost) -> None:
        """Replace what is held by what was used. Idempotent by call."""
        ...
