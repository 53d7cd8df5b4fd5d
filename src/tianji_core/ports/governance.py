"""Policies, guardrails and the response cache, as the call path sees them."""

from typing import Protocol

from tianji_core.access.principal import Principal
from tianji_core.shapes.codecs import Request, Response
from tianji_core.shapes.raw_requests import ReadBody


class Policies(Protocol):
    """Which guardrails apply to a call."""

    def resolve(self, principal: Principal, body: ReadBody) -> tuple[str, ...]:
        """Return the names of the guardrails, in the order in which they run."""
        ...


class Guardrails(Protocol):
    """Checks before anything goes upstream."""

    async def before_call(self, body: ReadBody, names: tuple[str, ...]) -> Request | None:
        """Return the request where it was rewritten, else None. Raises GuardrailBlockedError."""
        ...


class ResponseCache(Protocol):
    """Answers that were given before."""

    async def get(self, principal: Principal, body: ReadBody) -> Response | None: ...
