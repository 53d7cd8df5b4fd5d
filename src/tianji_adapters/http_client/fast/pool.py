"""The connections to one origin. The one that rested last is taken first, so that those too many grow old and close."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from tianji_adapters.http_client.fast.connecting import connected
from tianji_adapters.http_client.fast.connection import Connection
from tianji_adapters.http_client.faults import not_connected, phase_timeout, reason
from tianji_adapters.http_client.wire_request import Address
from tianji_core.ports.http_transport import TransportLimits


@dataclass(slots=True, eq=False)
class Pool:
    """At most `size` connections, in use or resting.

    Attributes:
        tls: How the server is verified; None without TLS.
        resting: Those that carry nothing, the latest last.
        taken: Places that are taken: by connections, and by those who are making one.
        waiting: Who waits for a place, first come first served. Gets a connection, or None for a place to make one.
        sockets: All whose socket is not yet closed.
        on_empty: Called when nothing is left.
    """

    loop: asyncio.AbstractEventLoop
    tls: ssl.SSLContext | None
    size: int
    rest_seconds: float
    on_empty: Callable[[], object]
    resting: list[Connection] = field(default_factory=list)
    taken: int = 0
    waiting: deque["asyncio.Future[Connection | None]"] = field(default_factory=deque)
    sockets: set[Connection] = field(default_factory=set)

    def rested(self) -> Connection | None:
        """Return a connection that rested, if there is one."""
        return self.resting.pop() if self.resting else None

    async def take(self, address: Address, limits: TransportLimits) -> Connection:
        """Return a connection for one request where none rests. Raises UpstreamTimeoutError and UpstreamUnavailableError, unsent."""
        if self.taken < self.size:
            self.taken += 1
        elif (connection := await self._turn(address, limits)) is not None:
            return connection
        return await self._connect(address, limits, sent=False)

    async def replace(self, dead: Connection, address: Address, limits: TransportLimits) -> Connection:
        """Return a fresh connection in the place of one that has died of old age. Raises as `take`, sent."""
        dead.abort()
        return await self._connect(address, limits, sent=True)

    def give_back(self, connection: Connection) -> None:
        """Take a connection back whose answer has ended or is not wanted."""
        if not connection.rest(self.rest_seconds):
            connection.abort()
            self._free()
        elif not self._hand_on(connection):
            self.resting.append(connection)

    def drop(self, connection: Connection) -> None:
        """Close a connection that was taken."""
        connection.abort()
        self._free()

    def abort(self) -> None:
        """Close all connections; who uses one meets its end."""
        for connection in list(self.sockets):
            connection.abort()

    async def _turn(self, address: Address, limits: TransportLimits) -> Connection | None:
        future: asyncio.Future[Connection | None] = self.loop.create_future()
        self.waiting.append(future)
        try:
            with anyio.move_on_after(limits.pool_seconds):
                return await future
        except BaseException:
            self._give_up(future)
            raise
        self._give_up(future)
        raise phase_timeout("pool", limits, address.authority, sent=False)

    def _give_up(self, future: "asyncio.Future[Connection | None]") -> None:
        """Leave the queue; hand on what came too late."""
        with suppress(ValueError):
            self.waiting.remove(future)
        if future.done() and not future.cancelled():
            connection = future.result()
            if connection is None:
                self._free()
            elif connection.fault is not None:
                self.drop(connection)
            elif not self._hand_on(connection):
                self.resting.append(connection)

    async def _connect(self, address: Address, limits: TransportLimits, *, sent: bool) -> Connection:
        """Return a connection for the place that the caller holds, or free the place."""
        try:
            with anyio.move_on_after(limits.connect_seconds):
                return await self._open(address)
        except (OSError, UnicodeError) as error:  # ssl.SSLError is an OSError
            self._free()
            kind = "TLS: " if isinstance(error, ssl.SSLError) else ""
            raise not_connected(address.authority, kind + reason(error), sent=sent) from None
        except BaseException:
            self._free()
            raise
        self._free()
        raise phase_timeout("connect", limits, address.authority, sent=sent)

    async def _open(self, address: Address) -> Connection:
        port = address.port or (443 if self.tls else 80)
        plain = await connected(self.loop, address.host, port)
        _, connection = await self.loop.create_connection(
            self._made, sock=plain, ssl=self.tls, server_hostname=address.host if self.tls else None
        )
        if not connection.gone:  # noted here: where this is cancelled, uvloop closes the socket and tells the connection nothing
            self.sockets.add(connection)
        return connection

    def _made(self) -> Connection:
        return Connection(self.loop, self.sockets, self._spoilt)

    def _spoilt(self, connection: Connection) -> None:
        """Forget a connection that ended while it rested; one that nobody has taken yet is met by who made it."""
        if connection in self.resting:
            self.resting.remove(connection)
            self._free()

    def _free(self) -> None:
        """Give a place away, or back."""
        if not self._hand_on(None):
            self.taken -= 1
            if self.taken == 0:
                self.on_empty()

    def _hand_on(self, connection: Connection | None) -> bool:
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(connection)
                return True
        return False
