"""HTTP/2 connections that carry one call at a time.

A shared connection cannot be closed to cancel one call, one slow reader holds back the others, and the pool resets no streams: the
provider would go on writing, and billing, an answer that nobody reads. So each call has its connection for as long as it lasts.
"""

import anyio
import httpcore

EXTENSION = "tianji_connection"
"""The response's extension that holds its `ExclusiveConnection`."""


class ExclusiveConnection(httpcore.AsyncConnectionInterface):
    """A connection of the pool that takes the next request only when it is idle."""

    def __init__(self, inner: httpcore.AsyncConnectionInterface) -> None:
        self._inner = inner
        self._new = True
        self._busy = True  # until its first answer's head: the pool makes a connection for a request that waits

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send; close the whole connection when that fails or is cancelled."""
        if not self._new and not self.is_available():
            raise httpcore.ConnectionNotAvailable
        self._new = False
        self._busy = True
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._inner.aclose()
            raise
        finally:
            self._busy = False
        response.extensions[EXTENSION] = self
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def info(self) -> str:
        return self._inner.info()

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        return self._inner.can_handle_request(origin)

    def is_available(self) -> bool:
        return not self._busy and self._inner.is_idle() and self._inner.is_available()

    def has_expired(self) -> bool:
        return self._inner.has_expired()

    def is_idle(self) -> bool:
        return not self._busy and self._inner.is_idle()

    def is_closed(self) -> bool:
        return self._inner.is_closed()


class ExclusivePool(httpcore.AsyncConnectionPool):
    """A pool of such connections."""

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        return ExclusiveConnection(super().create_connection(origin))
