"""Attempts over our own HTTP/1.1 connections, on asyncio: plain or under TLS, straight to the provider."""

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType

import anyio.lowlevel

from tianji_adapters.http_client.fast.answer import FastAnswer
from tianji_adapters.http_client.fast.connection import HEAD_BYTES, Connection
from tianji_adapters.http_client.fast.pool import Pool
from tianji_adapters.http_client.faults import broken, cut_head, head_too_large, not_http, phase_timeout, unanswered
from tianji_adapters.http_client.tls import tls_context
from tianji_adapters.http_client.wire_request import Address, address_of, sent_headers
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest
from tianji_core.errors import UpstreamError
from tianji_core.ports.http_transport import TransportLimits, UpstreamAnswer
from tianji_core.signing.plain import signed_headers

_MAX_CONTEXTS = 64
_ROUNDS_UNTIL_CLOSED = 20


class FastTransport:
    """Sends requests to providers. One instance for a loop; close it at the end. Knows no proxies and no HTTP/2."""

    def __init__(self, *, version: str, max_connections: int = 1000, keepalive_seconds: float = 30.0) -> None:
        """Make no connection yet.

        Args:
            version: TianJi's, for the `user-agent`.
            max_connections: For each origin and way of connecting.
            keepalive_seconds: How long an unused connection is kept.
        """
        self._user_agent = f"tianji/{version}"
        self._max_connections = max_connections
        self._keepalive_seconds = keepalive_seconds
        self._pools: dict[tuple[str, str, int | None, TransportOptions], Pool] = {}
        self._contexts: dict[TransportOptions, ssl.SSLContext] = {}

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, wait for the head, and hold the connection while the block runs. Raises as `HttpTransport` and ConfigurationError."""
        assert options.proxy is None
        return _Exchange(self, request, limits, options)

    async def aclose(self) -> None:
        """Close all connections; return when their sockets are closed."""
        pools = list(self._pools.values())
        for pool in pools:
            pool.abort()
        for _ in range(_ROUNDS_UNTIL_CLOSED):
            if not any(pool.sockets for pool in pools):
                return
            await anyio.lowlevel.checkpoint()

    def _pool(self, address: Address, options: TransportOptions) -> Pool:
        key = (address.scheme, address.host, address.port, options)
        pool = self._pools.get(key)
        if pool is None:
            tls = self._context(options) if address.scheme == "https" else None
            pool = self._pools[key] = Pool(
                loop=asyncio.get_running_loop(),
                tls=tls,
                size=self._max_connections,
                rest_seconds=self._keepalive_seconds,
                on_empty=lambda: self._pools.pop(key, None),
            )
        return pool

    def _context(self, options: TransportOptions) -> ssl.SSLContext:
        """Return the context of these options; reading the authorities takes long enough to do it once."""
        context = self._contexts.get(options)
        if context is None:
            context = tls_context(options)
            context.set_alpn_protocols(["http/1.1"])
            if len(self._contexts) >= _MAX_CONTEXTS:
                self._contexts.clear()
            self._contexts[options] = context
        return context


def on_asyncio() -> bool:
    """Whether this code runs on asyncio's loop or uvloop's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@dataclass(slots=True)
class _Exchange(AbstractAsyncContextManager[UpstreamAnswer]):
    """One attempt."""

    transport: FastTransport
    request: HttpRequest
    limits: TransportLimits
    options: TransportOptions
    _answer: FastAnswer | None = field(default=None, init=False)
    _written: bool = field(default=False, init=False)

    async def __aenter__(self) -> UpstreamAnswer:
        request = self.request
        url, signed = signed_headers(request)
        address = address_of(url)
        lines = sent_headers(request, signed, address, self.transport._user_agent)
        fields = "".join([f"{name}: {value}\r\n" for name, value in lines])
        head = f"{request.method} {address.target} HTTP/1.1\r\n{fields}\r\n".encode("latin-1")
        pool = self.transport._pool(address, self.options)
        connection = pool.rested() or await pool.take(address, self.limits)
        await self._ask(pool, connection, head)
        if connection.stale:
            connection = await pool.replace(connection, address, self.limits)
            await self._ask(pool, connection, head)
        if not connection.headed:
            pool.drop(connection)
            raise self._failure(connection, address.authority)
        try:
            self._answer = FastAnswer(connection, pool, address.authority, self.limits)
        except BaseException:
            pool.drop(connection)
            raise
        return self._answer

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._answer is not None
        self._answer.close()

    async def _ask(self, pool: Pool, connection: Connection, head: bytes) -> None:
        connection.begin(head, self.request.body, bodiless=self.request.method == "HEAD", limits=self.limits)
        self._written = self._written or connection.written
        try:
            await connection.head()
        except BaseException:
            pool.drop(connection)
            raise

    def _failure(self, connection: Connection, host: str) -> UpstreamError:
        """Return what to raise when no head came."""
        sent = self._written
        match connection.fault:
            case "silent":
                return phase_timeout(connection.phase, self.limits, host, sent=sent)
            case "head too large":
                return head_too_large(host, HEAD_BYTES)
            case "not http":
                return not_http(host, sent=sent)
            case _ if connection.heard:
                return cut_head(host)
            case "broken":
                return broken(host, connection.detail, sent=sent)
            case _:
                return unanswered(host, sent=sent)
