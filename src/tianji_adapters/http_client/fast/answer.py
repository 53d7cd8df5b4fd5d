"""The body of an answer: pulled piece by piece, decoded, bounded."""

from collections.abc import Iterator
from typing import Self

from tianji_adapters.http_client.coding import ContentDecoder, Identity, decoding
from tianji_adapters.http_client.collecting import collected
from tianji_adapters.http_client.fast.connection import Connection
from tianji_adapters.http_client.fast.pool import Pool
from tianji_adapters.http_client.faults import body_error, body_timeout, too_large, unknown_coding
from tianji_core.calls.http import HttpResponse
from tianji_core.ports.http_transport import TransportLimits


class FastAnswer:
    """An answer whose head has arrived. It holds a connection until its body has ended."""

    __slots__ = ("_connection", "_decoded", "_decoder", "_host", "_limits", "_pool", "_ready", "headers", "status")

    def __init__(self, connection: Connection, pool: Pool, host: str, limits: TransportLimits) -> None:
        """Take over the connection. Raises UpstreamProtocolError for a coding that we do not know."""
        self.status = connection.status
        self.headers, decoder = decoding(connection.headers)
        if decoder is None:
            raise unknown_coding(host, self.status)
        self._decoder: ContentDecoder | None = None if isinstance(decoder, Identity) else decoder
        self._decoded: Iterator[bytes] = iter(())
        self._connection: Connection | None = connection
        self._pool = pool
        self._host = host
        self._limits = limits
        self._ready = b""
        if connection.complete:
            self._detach(connection)

    async def read(self) -> HttpResponse:
        """Return what has not been iterated yet as one answer."""
        if self._connection is not None or self._decoder is not None:
            return await collected(self, self._host, self._limits.body_bytes)
        body, self._ready = self._ready, b""
        if len(body) > self._limits.body_bytes:
            raise too_large(self._host, self.status, self._limits.body_bytes)
        return HttpResponse(status=self.status, headers=self.headers, body=body)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece, never empty. Raises UpstreamProtocolError or UpstreamTimeoutError."""
        if self._decoder is not None:
            return await self._next_decoded(self._decoder)
        piece = await self._receive()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def _next_decoded(self, decoder: ContentDecoder) -> bytes:
        try:
            while True:
                for piece in self._decoded:
                    if piece:
                        return piece
                received = await self._receive()
                if not received:
                    break
                self._decoded = decoder.feed(received)
            decoder.close()
        except ValueError:
            raise body_error(self._host, self.status) from None
        raise StopAsyncIteration

    async def _receive(self) -> bytes:
        """Return what one read of the socket brought, nothing at the end."""
        connection = self._connection
        if connection is None:
            piece, self._ready = self._ready, b""
            return piece
        piece = await connection.piece()
        if connection.complete:
            self._detach(connection)
        elif not piece:
            if connection.fault == "silent":
                raise body_timeout(self._host, self.status, self._limits.idle_seconds)
            raise body_error(self._host, self.status)
        return piece

    def _detach(self, connection: Connection) -> None:
        """Give the connection back as soon as the body has ended, whether it was asked for yet or not."""
        self._ready = connection.take()
        self._connection = None
        self._pool.give_back(connection)

    def close(self) -> None:
        """End what was left unread, and with it the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.drop(connection)
