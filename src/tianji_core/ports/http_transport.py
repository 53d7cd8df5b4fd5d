"""Sending one HTTP request to a provider."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Headers, HttpRequest, HttpResponse


class TransportLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one attempt, in seconds and bytes.

    Attributes:
        connect_seconds: Until the connection stands, TLS included.
        pool_seconds: Until a connection is free.
        first_byte_seconds: From the request's last byte to the answer's head.
        idle_seconds: Between two reads of the answer's body.
        body_bytes: The most that `read()` takes.
    """

    connect_seconds: float = 10.0
    pool_seconds: float = 10.0
    first_byte_seconds: float = 600.0
    idle_seconds: float = 120.0
    body_bytes: int = 64 * 1024 * 1024


class UpstreamAnswer(Protocol):
    """An answer whose head has arrived."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Headers:
        """Names in lower case."""
        ...

    async def read(self) -> HttpResponse:
        """Return the whole answer. Raises UpstreamProtocolError for a cut or too large body, UpstreamTimeoutError when it stalls."""
        ...

    def __aiter__(self) -> "UpstreamAnswer": ...

    async def __anext__(self) -> bytes:
        """Return the next piece of the body, never empty; one piece a socket read. Reading stops while nobody asks."""
        ...


class HttpTransport(Protocol):
    """One attempt: no retry, no redirect, no cookie.

    A reused connection that ends before any byte of an answer is replaced by a fresh one, once. Cancellation closes the connection
    within 100 ms. Errors are UpstreamUnavailableError, UpstreamTimeoutError and UpstreamProtocolError, each with `sent`: False only
    where the provider cannot have seen the request.
    """

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, wait for the head, and hold the connection while the block runs."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
