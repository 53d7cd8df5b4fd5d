"""The body of an answer: pulled piece by piece, decoded, bounded, and closed exactly once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

import anyio
import httpcore

from tianji_adapters.http_client.coding import ContentDecoder
from tianji_adapters.http_client.collecting import collected
from tianji_adapters.http_client.faults import body_error, body_timeout
from tianji_adapters.http_client.http2 import EXTENSION
from tianji_core.calls.http import Headers, HttpResponse
from tianji_core.ports.http_transport import TransportLimits


@dataclass(slots=True)
class Answer:
    """An answer whose head has arrived. Nobody reads the socket but the one who asks here."""

    status: int
    headers: Headers
    host: str
    limits: TransportLimits
    response: httpcore.Response
    decoder: ContentDecoder
    _raw: AsyncIterator[bytes] = field(init=False)
    _decoded: Iterator[bytes] = field(default_factory=lambda: iter(()))
    _open: bool = True

    def __post_init__(self) -> None:
        self._raw = self.response.aiter_stream()

    async def read(self) -> HttpResponse:
        """Return what has not been iterated yet as one answer."""
        return await collected(self, self.host, self.limits.body_bytes)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece, never empty. Raises UpstreamProtocolError or UpstreamTimeoutError."""
        try:
            while True:
                for piece in self._decoded:
                    if piece:
                        return piece
                received = await self._receive() if self._open else None
                if received is None:
                    break
                self._decoded = self.decoder.feed(received)
            await self._finish()
        except ValueError:
            raise body_error(self.host, self.status) from None
        raise StopAsyncIteration

    async def _receive(self) -> bytes | None:
        """Return what one read of the socket brought, None at the end."""
        with anyio.move_on_after(self.limits.idle_seconds):
            try:
                return await anext(self._raw, None)
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                raise body_error(self.host, self.status) from error
        raise body_timeout(self.host, self.status, self.limits.idle_seconds)

    async def _finish(self) -> None:
        """Give the connection back as soon as the body has ended."""
        if self._open:
            self._open = False
            await self.response.aclose()
            self.decoder.close()

    async def aclose(self) -> None:
        """End what was left unread, and with it the connection.

        Asking once more inside a cancelled scope lets the pool's generators run to their end here and now: buffered pieces come without
        waiting, and the first wait ends them all. Left to the garbage collector, they would close the socket whenever that runs.
        """
        if not self._open:
            return
        self._open = False
        with anyio.CancelScope() as scope, suppress(httpcore.NetworkError, httpcore.ProtocolError):
            scope.cancel()
            async for _ in self._raw:
                pass
        with anyio.CancelScope(shield=True):
            await self.response.aclose()
            connection = self.response.extensions.get(EXTENSION)
            if connection is not None:
                await connection.aclose()
