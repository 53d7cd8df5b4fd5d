"""The wire under the connection pool: anyio sockets that tell their attempt how far it has come.

The pool itself (httpcore, the one httpx stands on) cannot say whether a connection was used before, whether a byte of the request
left, or whether a byte of the answer came. Here these facts are plain, on asyncio and on trio alike.
"""

import select
import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpcore
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from tianji_adapters.http_client.faults import Phase, reason
from tianji_core.ports.http_transport import TransportLimits

LISTEN_WHILE_SENDING_FROM_BYTES = 128 * 1024
"""Larger writes can block on a peer that has already answered, so they are sent with one ear open."""

POLL_INTERVAL_SECONDS = 0.25
"""An idle socket is asked for its end at most this often: the pool asks every one of them, twice a call."""


@dataclass(slots=True)
class Attempt:
    """How far one attempt has come on the wire, and how long its present step may take.

    Attributes:
        handshakes: TLS handshakes that a new connection needs before it carries the request; bytes before belong to a proxy.
        opened: A connection was made for this attempt; without it, the connection was used before.
        written: Bytes of the request were handed to the socket, on whichever connection.
        heard: Bytes of an answer came on the present connection. HTTP/2 shows none before the whole head.
    """

    limits: TransportLimits
    handshakes: int
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    phase: Phase = "pool"
    opened: bool = False
    written: bool = False
    heard: bool = False
    _missing: int = 0

    def start(self) -> None:
        """Begin on a fresh scope: the wait for a connection."""
        self.scope = anyio.CancelScope()
        self.opened = self.heard = False
        self._missing = 0
        self._enter("pool", self.limits.pool_seconds)

    def connecting(self) -> None:
        self.opened = True
        self._missing = self.handshakes
        self._enter("connect", self.limits.connect_seconds)

    def secured(self) -> None:
        self._missing -= 1

    def sending(self) -> None:
        if self._missing <= 0:
            self.written = True
            self._enter("send", self.limits.idle_seconds)

    def sent(self) -> None:
        if self._missing <= 0:
            self._enter("answer", self.limits.first_byte_seconds)

    def received(self) -> None:
        if self._missing <= 0:
            self.heard = True

    def _enter(self, phase: Phase, seconds: float) -> None:
        self.phase = phase
        self.scope.deadline = anyio.current_time() + seconds


_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError)
"""A TLS 1.3 server may refuse a client only after its handshake; that arrives as a bare `SSLError` at the first read."""

CURRENT: ContextVar[Attempt | None] = ContextVar("current_attempt", default=None)
"""The attempt whose task is on the wire; set only until its head is there."""


class Network(httpcore.AsyncNetworkBackend):
    """Opens connections. Time limits are the attempt's, so that the `timeout` arguments stay unused."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, trying all addresses of the host. Raises httpcore.ConnectError."""
        attempt = CURRENT.get()
        if attempt is not None:
            attempt.connecting()
        try:
            return Wire(await anyio.connect_tcp(host, port, local_host=local_address))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(reason(error)) from error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a socket file. Raises httpcore.ConnectError."""
        attempt = CURRENT.get()
        if attempt is not None:
            attempt.connecting()
        try:
            return Wire(await anyio.connect_unix(path))
        except OSError as error:
            raise httpcore.ConnectError(reason(error)) from error

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Wire(httpcore.AsyncNetworkStream):
    """One connection, plain or under TLS."""

    def __init__(self, stream: ByteStream, *, http2: bool = False) -> None:
        self._stream = stream
        self._http2 = http2  # bytes on such a connection need not be of an answer
        self._early = b""
        self._poll_at = 0.0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Return what one socket read brings; nothing at the end. Raises httpcore.ReadError."""
        data, self._early = self._early, b""
        if not data:
            try:
                data = await self._stream.receive(max_bytes)
            except anyio.EndOfStream:
                return b""
            except _BROKEN as error:
                raise httpcore.ReadError(reason(error)) from error
        attempt = CURRENT.get()
        if attempt is not None and not self._http2:
            attempt.received()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send it all. Raises httpcore.WriteError, also when the peer answers before it has read everything."""
        if not buffer:
            return
        attempt = CURRENT.get()
        if attempt is not None:
            attempt.sending()
        if len(buffer) < LISTEN_WHILE_SENDING_FROM_BYTES:
            await self._send(buffer)
        else:
            await self._send_listening(buffer)
        if attempt is not None:
            attempt.sent()

    async def _send(self, buffer: bytes) -> None:
        try:
            await self._stream.send(buffer)
        except _BROKEN as error:
            raise httpcore.WriteError(reason(error)) from error

    async def _send_listening(self, buffer: bytes) -> None:
        """Send while receiving: an answer that came before a reset is lost once the socket has failed to write."""
        failure: httpcore.WriteError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, tasks.cancel_scope)
            try:
                await self._send(buffer)
            except httpcore.WriteError as error:
                failure = error
            tasks.cancel_scope.cancel()
        if self._early:
            failure = failure or httpcore.WriteError("the peer answered before it read the whole request")
        if failure is not None:
            raise failure

    async def _listen(self, sender: anyio.CancelScope) -> None:
        try:
            self._early = await self._stream.receive(64 * 1024)
        except (anyio.EndOfStream, *_BROKEN):
            return  # the write, or the read that follows it, meets the same end and tells it
        sender.cancel()

    async def aclose(self) -> None:
        await anyio.aclose_forcefully(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Return this connection under TLS, closed when that fails or is cancelled. Raises httpcore.ConnectError."""
        attempt = CURRENT.get()
        try:
            secured = await TLSStream.wrap(
                self._stream, ssl_context=ssl_context, hostname=server_hostname, standard_compatible=False, server_side=False
            )
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(self._stream)
            if isinstance(error, ssl.SSLError | OSError | anyio.EndOfStream | anyio.BrokenResourceError):
                raise httpcore.ConnectError(f"TLS: {reason(error)}") from error
            raise
        if attempt is not None:
            attempt.secured()
        return Wire(secured, http2=secured.extra(TLSAttribute.alpn_protocol, None) == "h2")

    def get_extra_info(self, info: str) -> Any:
        """Answer what the pool asks for."""
        if info == "ssl_object":
            return self._stream.extra(TLSAttribute.ssl_object, None)
        if info == "is_readable":
            return self._has_ended()
        return None

    def _has_ended(self) -> bool:
        """Whether an idle connection is readable, which can only mean its end."""
        now = anyio.current_time()
        if now < self._poll_at:
            return False
        self._poll_at = now + POLL_INTERVAL_SECONDS
        raw = self._stream.extra(SocketAttribute.raw_socket, None)
        if raw is None or raw.fileno() < 0:
            return True
        poller = select.poll()
        poller.register(raw.fileno(), select.POLLIN)
        return bool(poller.poll(0))
