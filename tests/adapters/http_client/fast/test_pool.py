"""The queue for a connection, and who leaves it just as its turn comes."""

import asyncio

import anyio.lowlevel
import pytest

from support.fault_server import CHUNKED, answering, chunk, fault_server
from tianji_adapters.http_client.fast.connection import HEAD_BYTES, Connection
from tianji_adapters.http_client.fast.transport import FastTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest
from tianji_core.ports.http_transport import TransportLimits

pytestmark = pytest.mark.anyio
LIMITS = TransportLimits(connect_seconds=5, pool_seconds=5, first_byte_seconds=5, idle_seconds=5)


class DeafTransport(asyncio.Transport):
    """Takes what is written."""

    closed = False

    def write(self, data: object) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


async def fetch(transport: FastTransport, url: str) -> bytes:
    async with transport.send(HttpRequest(method="POST", url=url), LIMITS, TransportOptions()) as answer:
        return (await answer.read()).body


@pytest.mark.parametrize("reads", [True, False], ids=["a connection", "a place"])
async def test_what_came_too_late_for_a_cancelled_caller_is_not_lost(anyio_backend: object, reads: bool) -> None:
    transport = FastTransport(version="0", max_connections=1)
    async with fault_server(answering(CHUNKED, chunk(b"a"), chunk(b""))) as server:
        async with transport.send(HttpRequest(method="POST", url=server.url), LIMITS, TransportOptions()) as answer:
            (pool,) = transport._pools.values()
            leaving = asyncio.create_task(fetch(transport, server.url))
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            assert len(pool.waiting) == 1
            if reads:
                await answer.read()
        assert len(pool.waiting) == 0
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert (pool.taken, len(pool.resting)) == ((1, 1) if reads else (0, 0))
        assert await fetch(transport, server.url) == b"a"
        assert len(server.peers) == (1 if reads else 2)
    await transport.aclose()


async def test_head_beyond_its_limit_is_refused_in_one_read_too(anyio_backend: object) -> None:
    connection = Connection(asyncio.get_running_loop(), set(), lambda _: None)
    socket = DeafTransport()
    connection.connection_made(socket)
    connection.begin(b"GET / HTTP/1.1\r\n\r\n", b"", bodiless=False, limits=LIMITS)
    connection.data_received(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * HEAD_BYTES + b"\r\nContent-Length: 0\r\n\r\n")
    assert (connection.fault, connection.headed, socket.closed) == ("head too large", False, True)
    connection.connection_lost(None)
