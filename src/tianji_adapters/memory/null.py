"""Ports of capabilities that this version does not have: they say yes, add nothing and remember nothing.

A configuration that asks for one of them is refused at the start, so that no protection is ever silently absent.
"""

from dataclasses import dataclass

from tianji_core.access.principal import Principal
from tianji_core.shapes.codecs import Request, Response


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
