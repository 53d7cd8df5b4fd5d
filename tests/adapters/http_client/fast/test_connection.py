"""What the contract leaves to each transport: framing that cannot be trusted, reuse, and the order of events on one connection."""

import socket
import zlib
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from support.fault_server import CHUNKED, Peer, answering, chunk, dying_at_request, fault_server, head, then_silent, whole
from tianji_adapters.http_client.fast.connection import BUFFERED_BYTES, HEAD_BYTES
from tianji_adapters.http_client.fast.transport import FastTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest, HttpResponse
from tianji_core.errors import UpstreamError, UpstreamProtocolError, UpstreamTimeoutError, UpstreamUnavailableError
from tianji_core.ports.http_transport import TransportLimits

pytestmark = pytest.mark.anyio
LIMITS = TransportLimits(connect_seconds=5, pool_seconds=5, first_byte_seconds=5, idle_seconds=5)
PLAIN = TransportOptions()
SOON = 1.0


async def fetch(
    transport: FastTransport, url: str, *, method: str = "POST", body: bytes = b"{}", within: TransportLimits = LIMITS
) -> HttpResponse:
    async with transport.send(HttpRequest(method=method, url=url, body=body), within, PLAIN) as answer:
        return await answer.read()


async def failure(transport: FastTransport, url: str, *, within: TransportLimits = LIMITS) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await fetch(transport, url, within=within)
    return caught.value


class TestFraming:
    @pytest.mark.parametrize(
        "answer",
        [
            head(200, "Content-Length: 5", "Transfer-Encoding: chunked") + chunk(b""),
            head(200, "Transfer-Encoding: chunked", "Content-Length: 5") + chunk(b""),
            head(200, "Content-Length: 1", "Content-Length: 2") + b"ab",
            head(200, "Content-Length: 1, 2") + b"ab",
            head(200, "Content-Length: +1") + b"a",
            head(200, "Content-Length: 99999999999999999999999") + b"a",
            head(200, "Content-Length : 1") + b"a",
            head(200, "Transfer-Encoding: gzip, chunked") + chunk(b""),
            head(200, "Transfer-Encoding: identity") + b"a",
            CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
            CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
            CHUNKED + b"fffffffffffffffff\r\na\r\n0\r\n\r\n",
            CHUNKED + b"1\na\n0\n\n",
            head(200, "X-A: b", " folded", "Content-Length: 1") + b"a",
            head(200, "X-A: b\0c", "Content-Length: 1") + b"a",
            head(200, "X-A: b\rc", "Content-Length: 1") + b"a",
            b"HTTP/1.1 200 W\0rds\r\nContent-Length: 1\r\n\r\na",
            b"HTTP/1.1 200 OK\nContent-Length: 1\n\na",
            b"HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\na",
            b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            b"HTTP/1.1 099 Early\r\nContent-Length: 1\r\n\r\na",
        ],
        ids=lambda answer: repr(answer[:80]),
    )
    async def test_answer_that_can_be_read_in_two_ways_is_a_protocol_error(self, transport: FastTransport, answer: bytes) -> None:
        async with fault_server(then_silent(answer)) as server:
            error = await failure(transport, server.url)
            with anyio.fail_after(SOON):
                await server.peers[0].ended.wait()
        assert isinstance(error, UpstreamProtocolError)
        assert error.sent is True

    @pytest.mark.parametrize(
        "flood",
        [
            (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * HEAD_BYTES * 2 + b"\r\n\r\n",),
            (b"HTTP/1.1 200 OK\r\n", *[b"X-A: " + b"a" * 1000 + b"\r\n"] * 200),
            (b"HTTP/1.1 200 OK\r\n", *[b"X-A: " + b"a" * 1000] * 200),
            (b"HTTP/1.1 100 Continue\r\n\r\n",) * 5000,
        ],
        ids=["one line", "many lines", "one line in pieces", "informational heads"],
    )
    async def test_endless_head_is_a_protocol_error(self, transport: FastTransport, flood: tuple[bytes, ...]) -> None:
        async with fault_server(then_silent(*flood)) as server:
            error = await failure(transport, server.url)
        assert isinstance(error, UpstreamProtocolError)
        assert str(HEAD_BYTES) in error.message

    async def test_head_just_within_its_limit_is_read(self, transport: FastTransport) -> None:
        value = "a" * (HEAD_BYTES - 200)
        async with fault_server(answering(whole(b"ok", 200, f"X-A: {value}"))) as server:
            assert (await fetch(transport, server.url)).header("x-a") == value

    @pytest.mark.parametrize("filler", [b"0\r\nX-Trailer: ", b"1;extension="], ids=["trailer", "chunk extension"])
    async def test_endless_filling_of_a_body_is_a_protocol_error(self, transport: FastTransport, filler: bytes) -> None:
        async with fault_server(then_silent(CHUNKED + chunk(b"a"), filler, *[b"a" * 1000] * 400)) as server:
            assert isinstance(await failure(transport, server.url), UpstreamProtocolError)

    async def test_trailers_are_left_out(self, transport: FastTransport) -> None:
        async with fault_server(answering(CHUNKED, chunk(b"a"), b"0\r\nX-Late: b\r\n\r\n")) as server:
            for _ in range(2):
                answer = await fetch(transport, server.url)
                assert (answer.body, answer.header("x-late")) == (b"a", None)
            assert len(server.peers) == 1

    @pytest.mark.parametrize("cut", range(1, 100, 3))
    async def test_answer_reads_the_same_however_it_is_cut(self, transport: FastTransport, cut: int) -> None:
        data = b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + CHUNKED + chunk(b"one ") + chunk(b"two") + chunk(b"")
        async with fault_server(answering(*[data[at : at + cut] for at in range(0, len(data), cut)])) as server:
            answer = await fetch(transport, server.url)
        assert (answer.status, answer.body, answer.header("link")) == (200, b"one two", None)


class TestReuse:
    @pytest.mark.parametrize(
        "answer",
        [
            whole(b"ok", 200, "Connection: close"),
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            whole(b"ok") + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            whole(b"ok") + b"x",
            whole(b"ok", 200, "Connection: close") + b"x",
        ],
        ids=["close", "1.0", "a second answer", "a byte more", "close and a byte more"],
    )
    async def test_connection_is_not_used_again(self, transport: FastTransport, answer: bytes) -> None:
        async with fault_server(then_silent(answer)) as server:
            for _ in range(2):
                assert (await fetch(transport, server.url)).body == b"ok"
            with anyio.fail_after(SOON):
                await server.peers[0].ended.wait()
            assert len(server.peers) == 2

    async def test_words_out_of_turn_close_a_resting_connection(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(whole(b"ok"))
            with anyio.move_on_after(0.05):
                await peer.stream.receive()
            await peer.send(whole(b"evil"))
            await peer.until_closed()

        async with fault_server(script) as server:
            assert (await fetch(transport, server.url)).body == b"ok"
            with anyio.fail_after(1):
                await server.peers[0].ended.wait()
            assert (await fetch(transport, server.url)).body == b"ok"
            assert len(server.peers) == 2

    @pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 204), ("POST", 304)])
    async def test_answer_without_body_ends_with_its_head(self, transport: FastTransport, method: str, status: int) -> None:
        async with fault_server(answering(head(status, "Content-Length: 5"))) as server:
            for _ in range(2):
                answer = await fetch(transport, server.url, method=method, body=b"")
                assert (answer.status, answer.body) == (status, b"")

    async def test_connection_whose_request_was_not_taken_is_not_used_again(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.head()
            await peer.send(whole(b"too large", 413))
            await anyio.sleep(5)

        async with fault_server(script, answering(whole(b"ok"))) as server:
            assert (await fetch(transport, server.url, body=bytes(64 * 1024 * 1024))).status == 413
            assert (await fetch(transport, server.url)).body == b"ok"
            assert len(server.peers) == 2

    async def test_last_rested_connection_is_taken_first(self, transport: FastTransport) -> None:
        gate = anyio.Event()

        async def script(peer: Peer) -> None:
            while True:
                await peer.request()
                await gate.wait()
                await peer.send(whole(b"ok"))

        async with fault_server(script) as server:
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(fetch, transport, server.url)
                for number in range(3):
                    await (await server.peer(number)).asked.wait()
                gate.set()
            for _ in range(4):
                await fetch(transport, server.url)
            assert sorted(len(peer.requests) for peer in server.peers) == [1, 1, 5]

    async def test_unused_connection_is_closed_in_time(self, anyio_backend: object) -> None:
        transport = FastTransport(version="0", keepalive_seconds=0.05)
        async with fault_server(then_silent(whole(b"ok"))) as server:
            await fetch(transport, server.url)
            with anyio.fail_after(1):
                await server.peers[0].ended.wait()
            assert transport._pools == {}

    async def test_stale_connection_is_replaced_even_where_only_one_is_allowed(self, anyio_backend: object) -> None:
        transport = FastTransport(version="0", max_connections=1)
        async with fault_server(dying_at_request(2), answering(whole(b"again"))) as server:
            await fetch(transport, server.url)
            assert (await fetch(transport, server.url)).body == b"again"
            assert (await fetch(transport, server.url)).body == b"again"
            assert len(server.peers) == 2
        await transport.aclose()

    async def test_connection_that_ends_between_its_rest_and_the_request_is_replaced(self, transport: FastTransport) -> None:
        async with fault_server(answering(whole(b"ok"))) as server:
            await fetch(transport, server.url)
            (pool,) = transport._pools.values()
            connection = pool.rested()
            assert connection is not None
            connection.data_received(b"HTTP/1.1 408 Timeout\r\n\r\n")
            pool.resting.append(connection)
            assert (await fetch(transport, server.url)).body == b"ok"
            assert [len(peer.requests) for peer in server.peers] == [1, 1]

    async def test_replacement_that_cannot_connect_is_unavailable_and_sent(self, transport: FastTransport) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            url = f"http://127.0.0.1:{port}/v1"
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fetch, transport, url)
                peer = (await anyio.to_thread.run_sync(listener.accept))[0]
                peer.sendall(whole(b"well"))
        with peer:  # it takes the second request and dies, and nobody listens any more
            await anyio.wait_readable(peer)
            peer.recv(64 * 1024)
            async with anyio.create_task_group() as tasks:
                caught: list[UpstreamError] = []

                async def ask() -> None:
                    caught.append(await failure(transport, url))

                tasks.start_soon(ask)
                await anyio.wait_readable(peer)
                peer.close()
        assert isinstance(caught[0], UpstreamUnavailableError)
        assert "cannot connect" in caught[0].message
        assert caught[0].sent is True


class TestEvents:
    async def test_peer_that_speaks_first_is_a_protocol_error(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.send(b"SSH-2.0-OpenSSH_9.0\r\n")
            await peer.until_closed()

        async with fault_server(script) as server:
            assert isinstance(await failure(transport, server.url), UpstreamProtocolError)

    async def test_half_closed_peer_may_finish_its_answer_first(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(whole(b"ok"))
            await peer.finish_sending()
            await peer.until_closed()

        async with fault_server(script) as server:
            for _ in range(2):
                assert (await fetch(transport, server.url)).body == b"ok"
            with anyio.fail_after(SOON):
                await server.peers[0].ended.wait()

    async def test_one_read_is_one_piece(self, transport: FastTransport) -> None:
        events = b"".join(chunk(b"data: %d\n\n" % number) for number in range(50))
        async with (
            fault_server(then_silent(CHUNKED, events)) as server,
            transport.send(HttpRequest(method="POST", url=server.url), LIMITS, PLAIN) as answer,
        ):
            assert await anext(answer) == b"".join(b"data: %d\n\n" % number for number in range(50))

    async def test_what_waits_unasked_stays_bounded(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED)
            while True:
                await peer.send_patiently(chunk(bytes(256 * 1024)), stalled_after_seconds=0.2)
                if peer.stalled.is_set():
                    await peer.until_closed()

        async with (
            fault_server(script) as server,
            transport.send(HttpRequest(method="POST", url=server.url), LIMITS, PLAIN) as answer,
        ):
            with anyio.fail_after(5):
                await server.peers[0].stalled.wait()
            assert len(await anext(answer)) < BUFFERED_BYTES + 2 * 256 * 1024

    async def test_stream_that_was_stopped_goes_on_when_asked(self, transport: FastTransport) -> None:
        block, count = bytes(512 * 1024), 16
        async with (
            fault_server(answering(head(200, f"Content-Length: {len(block) * count}"), *[block] * count)) as server,
            transport.send(HttpRequest(method="POST", url=server.url), LIMITS, PLAIN) as answer,
        ):
            await anyio.sleep(0.1)
            size = 0
            async for piece in answer:
                size += len(piece)
                await anyio.lowlevel.checkpoint()
            assert size == len(block) * count
            assert (await fetch(transport, server.url)).status == 200
            assert len(server.peers) == 1

    async def test_consumer_that_takes_its_time_meets_no_time_limit(self, transport: FastTransport) -> None:
        released = anyio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + chunk(b"a"))
            await released.wait()
            await peer.send(chunk(b"b") + chunk(b""))

        quick = TransportLimits(idle_seconds=0.1, first_byte_seconds=0.1)
        async with (
            fault_server(script) as server,
            transport.send(HttpRequest(method="POST", url=server.url), quick, PLAIN) as answer,
        ):
            assert await anext(answer) == b"a"
            await anyio.sleep(0.3)
            released.set()
            assert [piece async for piece in answer] == [b"b"]

    async def test_time_limit_of_a_later_call_is_its_own(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(whole(b"ok"))
            await peer.request()
            await peer.until_closed()

        async with fault_server(script) as server:
            await fetch(transport, server.url, within=TransportLimits(first_byte_seconds=600))
            with anyio.fail_after(1):
                error = await failure(transport, server.url, within=TransportLimits(first_byte_seconds=0.05))
        assert isinstance(error, UpstreamTimeoutError)

    async def test_chunk_heads_alone_are_no_life_sign(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + chunk(b"a") + b"1;x=")
            while True:
                await anyio.sleep(0.02)
                await peer.send(b"y")

        async with fault_server(script) as server:
            with anyio.fail_after(2):
                error = await failure(transport, server.url, within=TransportLimits(idle_seconds=0.1))
        assert isinstance(error, UpstreamTimeoutError)

    async def test_cancelled_read_closes_the_connection_and_does_not_look_like_the_end(self, transport: FastTransport) -> None:
        async with (
            fault_server(then_silent(CHUNKED, chunk(b"a"))) as server,
            transport.send(HttpRequest(method="POST", url=server.url), LIMITS, PLAIN) as answer,
        ):
            await anext(answer)
            with anyio.move_on_after(0.01):
                await anext(answer)
            with anyio.fail_after(SOON):
                await server.peers[0].ended.wait()
            with pytest.raises(UpstreamProtocolError):
                await anext(answer)

    @pytest.mark.parametrize("cut", [lambda data: data[:-4], lambda data: data[: len(data) // 2]], ids=["no checksum", "half"])
    async def test_compressed_stream_that_is_cut_keeps_its_error(self, transport: FastTransport, cut: Callable[[bytes], bytes]) -> None:
        packed = cut(zlib.compress(b"squeezed" * 1000))
        async with fault_server(answering(whole(packed, 200, "Content-Encoding: deflate"))) as server:
            assert isinstance(await failure(transport, server.url), UpstreamProtocolError)

    async def test_time_limit_of_sending_is_put_off_while_the_peer_takes_some(self, transport: FastTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.head()
            for _ in range(8):
                for _ in range(64):
                    await peer.stream.receive()
                await anyio.sleep(0.05)
            await peer.send(whole(b"enough", 413, "Connection: close"))
            await peer.until_closed()

        async with fault_server(script) as server:
            within = TransportLimits(idle_seconds=0.2, first_byte_seconds=5)
            assert (await fetch(transport, server.url, body=bytes(128 * 1024 * 1024), within=within)).body == b"enough"
