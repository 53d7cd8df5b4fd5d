"""A server that sends anything at all, and callers that leave at any moment."""

import asyncio
import gzip
from contextlib import suppress
from random import Random

import anyio
import pytest

from support.fault_server import CHUNKED, Peer, chunk, fault_server, head, whole
from tianji_adapters.http_client.fast.transport import FastTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest, HttpResponse
from tianji_core.errors import UpstreamProtocolError, UpstreamTimeoutError, UpstreamUnavailableError
from tianji_core.ports.http_transport import TransportLimits

pytestmark = pytest.mark.anyio
PLAIN = TransportOptions()
QUICK = TransportLimits(connect_seconds=2, pool_seconds=2, first_byte_seconds=0.05, idle_seconds=0.05, body_bytes=1024 * 1024)
PATIENT = TransportLimits(connect_seconds=5, pool_seconds=5, first_byte_seconds=5, idle_seconds=5)
OURS = (UpstreamProtocolError, UpstreamTimeoutError, UpstreamUnavailableError)

SEEDS = [
    whole(b"hello"),
    whole(b"", 204),
    CHUNKED + chunk(b"data: 1\n\n") + chunk(b"data: 2\n\n") + chunk(b""),
    CHUNKED + chunk(b"a") + b"0\r\nX-Trailer: b\r\n\r\n",
    b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + whole(b"final"),
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    whole(gzip.compress(b"squeezed" * 100), 200, "Content-Encoding: gzip"),
    head(200, "Transfer-Encoding: chunked", "Content-Encoding: deflate") + chunk(gzip.compress(b"x")) + chunk(b""),
    whole(b"one") + whole(b"two"),
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"",
]
SPLICES = [
    *(b"\r\n", b"\n", b"\0", b"\r", b" ", b":", b"0\r\n\r\n", b"ffffffff\r\n", b"-1", b"\xff\xfe", b"HTTP/1.1 ", b"a" * 70_000),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Content-Encoding: gzip\r\n"),
]


def mutated(random: Random) -> bytes:
    data = bytearray(random.choice(SEEDS))
    for _ in range(random.choice([0, 1, 1, 2, 3, 8])):
        at = random.randrange(len(data) + 1)
        match random.randrange(5):
            case 0:
                data[at:at] = random.choice(SPLICES)
            case 1:
                data[at : at + 1] = bytes([random.randrange(256)])
            case 2:
                del data[at : at + random.randrange(1, 9)]
            case 3:
                del data[at:]
            case _:
                data[at:at] = random.randbytes(random.randrange(1, 20))
    return bytes(data)


@pytest.fixture
async def complaints(anyio_backend: object) -> list[dict[str, object]]:
    """What the loop would log: exceptions that nobody raised to a caller."""
    heard: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    return heard


@pytest.mark.parametrize("seed", range(4))
async def test_any_bytes_end_in_an_answer_or_in_one_of_three_errors(
    transport: FastTransport, complaints: list[dict[str, object]], seed: int
) -> None:
    random = Random(seed)
    ends = {"answer": 0, "error": 0}

    async def script(peer: Peer) -> None:
        for _ in range(random.randrange(1, 4)):
            await peer.request()
            data = mutated(random)
            while data:
                cut = random.choice([1, 7, 100, len(data), len(data)])
                await peer.send(data[:cut] if len(data) < 10_000 else data)
                data = data[cut:] if len(data) < 10_000 else b""
        match random.randrange(8):
            case 0:
                with suppress(AttributeError, OSError):  # the client has closed, and the socket is gone
                    await peer.reset()
            case 1:
                await peer.until_closed()

    async def ask(url: str) -> None:
        for _ in range(25):
            request = HttpRequest(method=random.choice(["POST", "GET", "HEAD"]), url=url, body=b"{}")
            try:
                with anyio.fail_after(5):
                    async with transport.send(request, QUICK, PLAIN) as answer:
                        if random.randrange(4):
                            assert isinstance(await answer.read(), HttpResponse)
                        else:
                            assert all([piece async for piece in answer])
                ends["answer"] += 1
            except OURS:
                ends["error"] += 1

    async with fault_server(script) as server, anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(ask, server.url)
    assert sum(ends.values()) == 200
    assert min(ends.values()) > 20
    assert complaints == []


@pytest.mark.parametrize("size", [5, 1000], ids=["queueing", "unlimited"])
async def test_callers_that_leave_at_any_moment_leave_nothing_behind(
    anyio_backend: object, complaints: list[dict[str, object]], size: int
) -> None:
    random = Random(size)
    transport = FastTransport(version="0", max_connections=size)
    ends = {"answered": 0, "left": 0}

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await anyio.sleep(random.random() / 200)
            await peer.send(CHUNKED + chunk(b"a"))
            await anyio.sleep(random.random() / 200)
            await peer.send(chunk(b"b") + chunk(b""))

    async def ask(url: str) -> None:
        with anyio.move_on_after(random.random() / 20) if random.randrange(2) else anyio.CancelScope():
            async with transport.send(HttpRequest(method="POST", url=url, body=b"{}"), PATIENT, PLAIN) as answer:
                assert (await answer.read()).body == b"ab"
                ends["answered"] += 1
                return
        ends["left"] += 1

    async with fault_server(script) as server:
        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(ask, server.url)
        assert sum(ends.values()) == 200
        assert min(ends.values()) > 20
        (pool,) = transport._pools.values()
        assert pool.taken == len(pool.resting) <= size
        assert not pool.waiting
        async with transport.send(HttpRequest(method="POST", url=server.url, body=b"{}"), PATIENT, PLAIN) as answer:
            assert (await answer.read()).body == b"ab"
        await transport.aclose()
        assert (pool.taken, pool.resting, pool.sockets, transport._pools) == (0, [], set(), {})
        with anyio.fail_after(1):
            for peer in server.peers:
                await peer.ended.wait()
    assert [task for task in asyncio.all_tasks() if "TestRunner" not in repr(task.get_coro())] == []
    assert complaints == []
