"""Ports of capabilities that this version does not have: they say yes, add nothing and remember nothing.

A configuration that asks for one of them is refused at the start, so that no protection is ever silently absent.
"""

from dataclasses import dataclass

from tianji_core.access.principal import Principal
from tianji_core.shapes.codecs import Request, Response
from tianji_core.shapes.raw_requests import ReadBody


@dataclass(frozen=True, slots=True)
class NullPolicies:
    """No policies."""

    def resolve(self, principal: Principal, body: ReadBody) -> tuple[str, ...]:
        """Return no guardrail."""
        return ()


@dataclass(frozen=True, slots=True)
class NullGuardrails:
    """No guardrails."""

    async def before_call(self, body: ReadBody, names: tuple[str, ...]) -> Request | None:
        """Leave the request as it is."""
        return None


@dataclass(frozen=True, slots=True)
class NullResponseCache:
    """No response cache."""

    async def get(self, principal: Principal, body: ReadBody) -> Response | None:
        """Know no answer."""
        return None
