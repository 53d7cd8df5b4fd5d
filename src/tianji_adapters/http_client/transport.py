"""Attempts over httpcore, the connection pool that httpx stands on: HTTP/1.1 and HTTP/2, proxies, TLS of one's own; asyncio and trio.

httpx's client is left out on purpose: it follows redirects, keeps cookies and reads the environment, all of which an attempt must not.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType

import httpcore

from tianji_adapters.http_client.answer import Answer
from tianji_adapters.http_client.coding import Identity, decoding
from tianji_adapters.http_client.errors import head_error, head_timeout
from tianji_adapters.http_client.faults import unknown_coding
from tianji_adapters.http_client.network import CURRENT, Attempt
from tianji_adapters.http_client.pools import Pool, Pools
from tianji_adapters.http_client.wire_request import Address, address_of, sent_headers
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Headers, HttpRequest
from tianji_core.ports.http_transport import TransportLimits, UpstreamAnswer
from tianji_core.signing.plain import signed_headers


class HttpxTransport:
    """Sends requests to providers. One instance for the process; close it at the end."""

    def __init__(
        self,
        *,
        version: str,
        environment: Mapping[str, str] | None = None,
        max_connections: int = 1000,
        keepalive_seconds: float = 30.0,
        max_pools: int = 64,
    ) -> None:
        """Make no connection yet.

        Args:
            version: TianJi's, for the `user-agent`.
            environment: Where `HTTPS_PROXY` and its kin are looked up; None ignores them.
            max_connections: For each way of connecting (equal `TransportOptions`).
            keepalive_seconds: How long an unused connection is kept.
            max_pools: Ways of connecting that are kept ready.
        """
        self._user_agent = f"tianji/{version}"
        self._pools = Pools(
            environment=environment or {}, max_connections=max_connections, keepalive_seconds=keepalive_seconds, max_pools=max_pools
        )

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, wait for the head, and hold the connection while the block runs."""
        return _Exchange(pools=self._pools, user_agent=self._user_agent, request=request, limits=limits, options=options)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pools.aclose()


@dataclass(slots=True)
class _Exchange(AbstractAsyncContextManager[UpstreamAnswer]):
    """One attempt."""

    pools: Pools
    user_agent: str
    request: HttpRequest
    limits: TransportLimits
    options: TransportOptions
    _pool: Pool | None = field(default=None, init=False)
    _answer: Answer | None = field(default=None, init=False)

    async def __aenter__(self) -> UpstreamAnswer:
        url, headers = signed_headers(self.request)
        address = address_of(url)
        self._pool = pool = await self.pools.take(url, self.options)
        try:
            self._answer = await self._head(pool, _http_request(self.request, address, headers, self.user_agent), address)
        except BaseException:
            pool.in_use -= 1
            raise
        return self._answer

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._answer is not None
        assert self._pool is not None
        try:
            await self._answer.aclose()
        finally:
            self._pool.in_use -= 1

    async def _head(self, pool: Pool, request: httpcore.Request, address: Address) -> Answer:
        """Return the answer once its head is there, on a fresh connection if a reused one turns out to be dead."""
        host = address.authority
        attempt = Attempt(limits=self.limits, handshakes=pool.handshakes(address.scheme))
        try:
            response = await _exchange(pool.kept, request, attempt, host)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            if attempt.opened or attempt.heard or not attempt.written:
                raise head_error(error, attempt, host) from error
            response = await self._replacement(pool, request, attempt, host)
        except _FAILURES as error:
            raise head_error(error, attempt, host) from None
        return await self._checked(response, host)

    async def _replacement(self, pool: Pool, request: httpcore.Request, attempt: Attempt, host: str) -> httpcore.Response:
        try:
            return await _exchange(pool.fresh, request, attempt, host)
        except _FAILURES as error:
            raise head_error(error, attempt, host) from None

    async def _checked(self, response: httpcore.Response, host: str) -> Answer:
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers)
        headers, decoder = decoding(headers)
        answer = Answer(
            status=response.status, headers=headers, host=host, limits=self.limits, response=response, decoder=decoder or Identity()
        )
        if decoder is None:
            await answer.aclose()
            raise unknown_coding(host, response.status)
        return answer


_FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, httpcore.UnsupportedProtocol, httpcore.TimeoutException)


async def _exchange(pool: httpcore.AsyncConnectionPool, request: httpcore.Request, attempt: Attempt, host: str) -> httpcore.Response:
    """Return the head. Raises UpstreamTimeoutError, or what the pool raises."""
    token = CURRENT.set(attempt)
    try:
        attempt.start()
        with attempt.scope:
            return await pool.handle_async_request(request)
    finally:
        CURRENT.reset(token)
    raise head_timeout(attempt, host)


def _http_request(request: HttpRequest, address: Address, headers: Headers, user_agent: str) -> httpcore.Request:
    sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent_headers(request, headers, address, user_agent)]
    url = httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target)
    return httpcore.Request(request.method, url, headers=sent, content=_Body(request.body))


@dataclass(slots=True)
class _Body:
    """A request body that can be sent again, and whose iterators leave nothing behind: a generator would, when a write fails."""

    content: bytes

    def __aiter__(self) -> "_BodyPieces":
        return _BodyPieces(content=self.content)


@dataclass(slots=True)
class _BodyPieces:
    content: bytes

    def __aiter__(self) -> "_BodyPieces":
        return self

    async def __anext__(self) -> bytes:
        piece, self.content = self.content, b""
        if not piece:
            raise StopAsyncIteration
        return piece
