"""Policies, guardrails and the response cache, as the call path sees them."""

from typing import Protocol

from tianji_core.access.principal import Principal
from tianji_core.shapes.codecs import Request, Response


class Policies(Protocol):
    """Which guardrails apply to a call."""

    def resolve(self, principal: Principal, request: Request) -> tuple[str, ...]:
        """Return the names of the guardrails, in the order in which they run."""
        ...


class Guardrails(Protocol):
    """Checks before anything goes upstream."""

    async def before_call(self, request: Request, names: tuple[str, ...]) -> Request:
        """Return the request, possibly rewritten. Raises GuardrailBlockedError."""
        ...


class ResponseCache(Protocol):
    """Answers that were given before."""

    async def get(self, principal: Principal, request: Request) -> Response | None: ...
