"""Ports of capabilities that this version does not have: they say yes, add nothing and remember nothing.

A configuration that asks for one of them is refused at the start, so that no protection is ever silently absent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.access.principal import Principal
from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.usage import Usage
from tianji_core.shapes.codecs import Request, Response


@dataclass(frozen=True, slots=True)
class NullAdmission:
    """No limits and no budgets beyond the key itself."""

    async def admit(self, call_id: str, principal: Principal, request: Request, candidates: Sequence[Deployment]) -> None:
        """Admit every call."""

    async def settle(self, call_id: str, usage: Usage, cost: Cost) -> None:
        """Hold nothing, so give nothing back."""


@dataclass(frozen=True, slots=True)
class NullPolicies:
    """No policies."""

    def resolve(self, principal: Principal, request: Request) -> tuple[str, ...]:
        """Return no guardrail."""
        return ()


@dataclass(frozen=True, slots=True)
class NullGuardrails:
    """No guardrails."""

    async def before_call(self, request: Request, names: tuple[str, ...]) -> Request:
        """Return the request as it is."""
        return request


@dataclass(frozen=True, slots=True)
class NullResponseCache:
    """No response cache."""

    async def get(self, principal: Principal, request: Request) -> Response | None:
        """Know no answer."""
        return None
