"""What every `HttpTransport` keeps to, against a server that breaks every rule. A new transport joins in `TRANSPORTS` and `PAIRS`."""

import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Callable

import anyio
import pytest

from support.certificates import Certificates
from support.fault_server import (
    CHUNKED,
    Peer,
    answering,
    chunk,
    close_at_once,
    dying_at_request,
    fault_server,
    head,
    never_speak,
    refused_url,
    then_closing,
    then_resetting,
    then_silent,
    whole,
)
from tianji_adapters.http_client.fast.transport import FastTransport
from tianji_adapters.http_client.transport import HttpxTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Bearer, HeaderKey, HttpRequest, HttpResponse, QueryKey
from tianji_core.calls.secret import Secret
from tianji_core.errors import UpstreamError, UpstreamProtocolError, UpstreamTimeoutError, UpstreamUnavailableError
from tianji_core.ports.http_transport import HttpTransport, TransportLimits

TRANSPORTS: dict[str, Callable[[int], HttpTransport]] = {
    "httpx": lambda max_connections: HttpxTransport(version="1.2.3", max_connections=max_connections),
    "fast": lambda max_connections: FastTransport(version="1.2.3", max_connections=max_connections),
}
BACKENDS = {"asyncio": ("asyncio", {}), "uvloop": ("asyncio", {"use_uvloop": True}), "trio": ("trio", {})}
PAIRS = [("httpx", "asyncio"), ("httpx", "uvloop"), ("httpx", "trio"), ("fast", "asyncio"), ("fast", "uvloop")]

PLAIN = TransportOptions()
LIMITS = TransportLimits(connect_seconds=5, pool_seconds=5, first_byte_seconds=5, idle_seconds=5)
QUICK = 0.15
AT_ONCE = 0.1

pytestmark = pytest.mark.anyio


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A transport and a backend that it runs on."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def anyio_backend(pair: tuple[str, str]) -> tuple[str, dict[str, bool]]:
    return BACKENDS[pair[1]]


@pytest.fixture
async def transport(pair: tuple[str, str]) -> AsyncIterator[HttpTransport]:
    made = TRANSPORTS[pair[0]](100)
    yield made
    await made.aclose()


@pytest.fixture
async def narrow_transport(pair: tuple[str, str]) -> AsyncIterator[HttpTransport]:
    made = TRANSPORTS[pair[0]](1)
    yield made
    await made.aclose()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def post(url: str, body: bytes = b"{}", **more: object) -> HttpRequest:
    return HttpRequest(method="POST", url=url, body=body, headers=(("content-type", "application/json"),), **more)  # type: ignore[arg-type]


def limits(**seconds: float) -> TransportLimits:
    return TransportLimits(**{**{name: getattr(LIMITS, name) for name in LIMITS.__struct_fields__}, **seconds})


async def fetch(
    transport: HttpTransport, url: str, body: bytes = b"{}", *, within: TransportLimits = LIMITS, options: TransportOptions = PLAIN
) -> HttpResponse:
    async with transport.send(post(url, body), within, options) as answer:
        return await answer.read()


async def failure(
    transport: HttpTransport, url: str, body: bytes = b"{}", *, within: TransportLimits = LIMITS, options: TransportOptions = PLAIN
) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await fetch(transport, url, body, within=within, options=options)
    return caught.value


class TestAnswers:
    async def test_whole_answer_has_status_lower_case_headers_and_body(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"hello", 201, "X-Request-ID: abc", "Set-Cookie: a=1", "Set-Cookie: b=2"))) as server:
            answer = await fetch(transport, server.url)
        assert (answer.status, answer.body, answer.header("x-request-id")) == (201, b"hello", "abc")
        assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]

    @pytest.mark.parametrize("status", [301, 307, 400, 401, 429, 500, 529])
    async def test_every_status_is_an_answer_and_no_redirect_is_followed(self, transport: HttpTransport, status: int) -> None:
        async with fault_server(answering(whole(b"words", status, "Location: /elsewhere", "Retry-After: 3"))) as server:
            answer = await fetch(transport, server.url)
            assert (answer.status, answer.body, answer.header("retry-after")) == (status, b"words", "3")
            assert len(server.peers[0].requests) == 1

    async def test_chunked_answer_is_whole(self, transport: HttpTransport) -> None:
        async with fault_server(answering(CHUNKED, chunk(b"one "), chunk(b"two"), chunk(b""))) as server:
            assert (await fetch(transport, server.url)).body == b"one two"

    async def test_answer_delimited_by_close_is_whole(self, transport: HttpTransport) -> None:
        async with fault_server(then_closing(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil ", b"the end")) as server:
            assert (await fetch(transport, server.url)).body == b"until the end"

    async def test_informational_answers_are_skipped(self, transport: HttpTransport) -> None:
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
        async with fault_server(answering(b"HTTP/1.1 100 Continue\r\n\r\n", early, whole(b"final"))) as server:
            assert (await fetch(transport, server.url)).body == b"final"

    async def test_answer_without_body_is_whole(self, transport: HttpTransport) -> None:
        async with fault_server(answering(head(204))) as server:
            answer = await fetch(transport, server.url)
        assert (answer.status, answer.body) == (204, b"")

    @pytest.mark.parametrize(
        ("coding", "compressed"),
        [
            ("gzip", gzip.compress(b"squeezed" * 1000)),
            ("gzip", gzip.compress(b"squeezed" * 600) + gzip.compress(b"squeezed" * 400)),
            ("deflate", zlib.compress(b"squeezed" * 1000)),
            ("deflate", zlib.compress(b"squeezed" * 1000)[2:-4]),
        ],
        ids=["gzip", "gzip of two members", "deflate", "deflate without header"],
    )
    async def test_compression_that_nobody_asked_for_is_undone(self, transport: HttpTransport, coding: str, compressed: bytes) -> None:
        async with fault_server(answering(whole(compressed, 200, f"Content-Encoding: {coding}"))) as server:
            answer = await fetch(transport, server.url)
        assert answer.body == b"squeezed" * 1000
        assert answer.header("content-encoding") is None

    async def test_unknown_coding_is_a_protocol_error(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"???", 200, "Content-Encoding: br"))) as server:
            assert isinstance(await failure(transport, server.url), UpstreamProtocolError)

    async def test_cut_compressed_body_is_a_protocol_error(self, transport: HttpTransport) -> None:
        cut = gzip.compress(b"squeezed" * 1000)[:-9]
        async with fault_server(answering(whole(cut, 200, "Content-Encoding: gzip"))) as server:
            assert isinstance(await failure(transport, server.url), UpstreamProtocolError)

    async def test_large_bodies_travel_whole_in_both_directions(self, transport: HttpTransport) -> None:
        question, answer = bytes(range(256)) * 20_000, bytes(reversed(range(256))) * 20_000
        async with fault_server(answering(whole(answer))) as server:
            assert (await fetch(transport, server.url, question)).body == answer
            assert server.peers[0].requests[0].endswith(b"\r\n\r\n" + question)


class TestRequests:
    async def test_request_says_who_we_are_and_asks_for_no_compression(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"ok"))) as server:
            await fetch(transport, server.url, b'{"a":1}')
            lines = server.peers[0].requests[0].decode().split("\r\n")
        assert lines[0] == "POST /v1/chat HTTP/1.1"
        assert lines[-1] == '{"a":1}'
        sent = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines[1:-2]}
        assert sent["host"] == f"localhost:{server.port}"
        assert sent["user-agent"] == "tianji/1.2.3"
        assert sent["accept-encoding"] == "identity"
        assert sent["content-type"] == "application/json"
        assert sent["content-length"] == "7"

    async def test_cookies_are_not_kept(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"ok", 200, "Set-Cookie: session=1; Path=/"))) as server:
            await fetch(transport, server.url)
            await fetch(transport, server.url)
            assert b"cookie" not in b"".join(server.peers[0].requests).lower()

    @pytest.mark.parametrize(
        ("auth", "expected"),
        [
            (Bearer(Secret("sk-1")), b"authorization: bearer sk-1\r\n"),
            (HeaderKey("x-api-key", Secret("sk-1")), b"x-api-key: sk-1\r\n"),
            (QueryKey("key", Secret("s k/1")), b"post /v1/chat?key=s%20k%2f1 http/1.1\r\n"),
        ],
    )
    async def test_credential_is_put_in_at_the_last_moment(self, transport: HttpTransport, auth: object, expected: bytes) -> None:
        async with fault_server(answering(whole(b"ok"))) as server:
            async with transport.send(post(server.url, auth=auth), LIMITS, PLAIN) as answer:
                await answer.read()
            assert expected in server.peers[0].requests[0].lower()

    async def test_get_has_no_length(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"ok"))) as server:
            async with transport.send(HttpRequest(method="GET", url=server.url + "?a=b%20c;d"), LIMITS, PLAIN) as answer:
                await answer.read()
            request = server.peers[0].requests[0]
        assert request.startswith(b"GET /v1/chat?a=b%20c;d HTTP/1.1\r\n")
        assert b"content-length" not in request.lower()

    async def test_illegal_header_is_refused_before_sending_and_not_quoted(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"ok"))) as server:
            request = HttpRequest(method="POST", url=server.url, headers=(("x-planted", "sk-planted\r\nx: y"),))
            with pytest.raises(UpstreamProtocolError) as caught:
                async with transport.send(request, LIMITS, PLAIN):
                    pass
        assert caught.value.sent is False
        assert "planted" not in str(caught.value)


class TestStreams:
    async def test_pieces_come_as_they_are_sent_and_are_never_empty(self, transport: HttpTransport) -> None:
        released = anyio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + chunk(b"data: 1\n\n"))
            await released.wait()
            await peer.send(chunk(b"data: 2\n\n") + chunk(b""))

        async with fault_server(script) as server, transport.send(post(server.url), LIMITS, PLAIN) as answer:
            assert answer.status == 200
            assert await anext(answer) == b"data: 1\n\n"
            released.set()
            rest = [piece async for piece in answer]
        assert b"".join(rest) == b"data: 2\n\n"
        assert all(rest)

    async def test_compressed_stream_is_decoded_piece_by_piece(self, transport: HttpTransport) -> None:
        machine = zlib.compressobj(wbits=31)
        first = machine.compress(b"data: 1\n\n") + machine.flush(zlib.Z_SYNC_FLUSH)
        second = machine.compress(b"data: 2\n\n") + machine.flush()
        packed = head(200, "Transfer-Encoding: chunked", "Content-Encoding: gzip")
        async with (
            fault_server(answering(packed, chunk(first), chunk(second), chunk(b""))) as server,
            transport.send(post(server.url), LIMITS, PLAIN) as answer,
        ):
            assert await anext(answer) == b"data: 1\n\n"
            assert [piece async for piece in answer] == [b"data: 2\n\n"]

    async def test_end_stays_the_end(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"x"))) as server, transport.send(post(server.url), LIMITS, PLAIN) as answer:
            assert [piece async for piece in answer] == [b"x"]
            assert [piece async for piece in answer] == []

    async def test_reading_stops_while_nobody_asks(self, transport: HttpTransport) -> None:
        block, count = bytes(1024 * 1024), 64

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(head(200, f"Content-Length: {len(block) * count}"))
            with anyio.CancelScope() as scope:
                while not peer.stalled.is_set():
                    await peer.send_patiently(block, stalled_after_seconds=0.3)
                    if peer.sent_bytes >= len(block) * count:
                        scope.cancel()
            await peer.until_closed()

        async with fault_server(script) as server, transport.send(post(server.url), LIMITS, PLAIN) as answer:
            assert await anext(answer)
            peer = await server.peer()
            with anyio.fail_after(5):
                await peer.stalled.wait()
            assert peer.sent_bytes < len(block) * count // 2


class TestPool:
    async def test_connection_is_used_again_after_a_whole_answer(self, transport: HttpTransport) -> None:
        async with fault_server(answering(CHUNKED, chunk(b"a"), chunk(b""))) as server:
            for _ in range(3):
                await fetch(transport, server.url)
            assert [len(peer.requests) for peer in server.peers] == [3]

    async def test_connection_is_free_as_soon_as_the_body_has_ended(self, narrow_transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"ok"))) as server, narrow_transport.send(post(server.url), LIMITS, PLAIN) as answer:
            await answer.read()
            assert (await fetch(narrow_transport, server.url, within=limits(pool_seconds=1))).body == b"ok"
            assert len(server.peers) == 1

    async def test_answer_that_is_left_unread_closes_its_connection(self, transport: HttpTransport) -> None:
        async with fault_server(then_silent(CHUNKED, chunk(b"a")), answering(whole(b"ok"))) as server:
            async with transport.send(post(server.url), LIMITS, PLAIN) as answer:
                await anext(answer)
            with anyio.fail_after(AT_ONCE):
                await server.peers[0].ended.wait()
            assert (await fetch(transport, server.url)).body == b"ok"

    async def test_reused_connection_that_dies_without_a_byte_is_replaced(self, transport: HttpTransport) -> None:
        async with fault_server(dying_at_request(2), answering(whole(b"again"))) as server:
            await fetch(transport, server.url)
            assert (await fetch(transport, server.url, b'{"n":2}')).body == b"again"
            assert server.peers[1].requests[0].endswith(b'{"n":2}')

    async def test_reused_connection_that_is_reset_without_a_byte_is_replaced(self, transport: HttpTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(whole(b"well"))
            await peer.request()
            await peer.reset()

        async with fault_server(script, answering(whole(b"again"))) as server:
            await fetch(transport, server.url)
            assert (await fetch(transport, server.url)).body == b"again"

    async def test_connection_is_replaced_once_only(self, transport: HttpTransport) -> None:
        async with fault_server(dying_at_request(2), dying_at_request(1), answering(whole(b"again"))) as server:
            await fetch(transport, server.url)
            error = await failure(transport, server.url)
            assert isinstance(error, UpstreamUnavailableError)
            assert error.sent is True
            assert len(server.peers) == 2

    async def test_replacement_is_fresh_when_several_connections_are_dead(self, transport: HttpTransport) -> None:
        both = anyio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await both.wait()
            await peer.send(whole(b"well"))
            await peer.request()

        async with fault_server(script, script, answering(whole(b"again"))) as server:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fetch, transport, server.url)
                tasks.start_soon(fetch, transport, server.url)
                await (await server.peer(1)).asked.wait()
                both.set()
            assert (await fetch(transport, server.url)).body == b"again"
            assert len(server.peers) == 3

    async def test_first_use_connection_that_dies_is_not_replaced(self, transport: HttpTransport) -> None:
        async with fault_server(then_closing(), answering(whole(b"again"))) as server:
            error = await failure(transport, server.url)
            assert isinstance(error, UpstreamUnavailableError)
            assert error.sent is True
            assert len(server.peers) == 1

    async def test_reused_connection_that_dies_inside_the_head_is_not_replaced(self, transport: HttpTransport) -> None:
        async with fault_server(dying_at_request(2, saying=b"HTTP/1.1 200 OK\r\nCont"), answering(whole(b"again"))) as server:
            await fetch(transport, server.url)
            error = await failure(transport, server.url)
            assert isinstance(error, UpstreamProtocolError)
            assert error.sent is True
            assert len(server.peers) == 1

    async def test_connection_closed_while_idle_is_noticed(self, transport: HttpTransport) -> None:
        async with fault_server(then_closing(whole(b"once")), answering(whole(b"again"))) as server:
            await fetch(transport, server.url)
            assert (await fetch(transport, server.url)).body == b"again"

    async def test_different_options_share_no_connection(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"ok"))) as server:
            await fetch(transport, server.url)
            await fetch(transport, server.url, options=TransportOptions(verify=False))
            assert len(server.peers) == 2

    async def test_closed_transport_has_closed_its_connections(self, transport: HttpTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(whole(b"ok"))
            await peer.until_closed()

        async with fault_server(script) as server:
            await fetch(transport, server.url)
            await transport.aclose()
            with anyio.fail_after(AT_ONCE):
                await server.peers[0].ended.wait()


class TestLimits:
    async def test_wait_for_a_connection_is_limited_and_unsent(self, narrow_transport: HttpTransport) -> None:
        async with fault_server(then_silent(CHUNKED)) as server, narrow_transport.send(post(server.url), LIMITS, PLAIN):
            error = await failure(narrow_transport, server.url, within=limits(pool_seconds=QUICK))
        assert isinstance(error, UpstreamTimeoutError)
        assert error.sent is False

    async def test_handshake_is_limited_and_unsent(self, transport: HttpTransport) -> None:
        async with fault_server(never_speak) as server:
            url = server.url.replace("http://", "https://")
            error = await failure(transport, url, within=limits(connect_seconds=QUICK))
            with anyio.fail_after(AT_ONCE):
                await server.peers[0].ended.wait()
        assert isinstance(error, UpstreamTimeoutError)
        assert error.sent is False

    async def test_wait_for_the_head_is_limited_and_closes(self, transport: HttpTransport) -> None:
        async with fault_server(then_silent()) as server:
            error = await failure(transport, server.url, within=limits(first_byte_seconds=QUICK))
            with anyio.fail_after(AT_ONCE):
                await server.peers[0].ended.wait()
        assert isinstance(error, UpstreamTimeoutError)
        assert error.sent is True

    async def test_head_that_trickles_does_not_extend_the_limit(self, transport: HttpTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1000:
                await peer.send(bytes([letter]))
                await anyio.sleep(QUICK / 5)

        async with fault_server(script) as server:
            with anyio.fail_after(2):
                error = await failure(transport, server.url, within=limits(first_byte_seconds=QUICK))
        assert isinstance(error, UpstreamTimeoutError)

    async def test_slow_first_byte_within_the_limit_is_no_error(self, transport: HttpTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await anyio.sleep(QUICK * 2)
            await peer.send(whole(b"late"))

        async with fault_server(script) as server:
            assert (await fetch(transport, server.url, within=limits(connect_seconds=QUICK, pool_seconds=QUICK))).body == b"late"

    async def test_stalled_body_is_limited_and_closes(self, transport: HttpTransport) -> None:
        async with fault_server(then_silent(CHUNKED, chunk(b"a"))) as server:
            error = await failure(transport, server.url, within=limits(idle_seconds=QUICK))
            with anyio.fail_after(AT_ONCE):
                await server.peers[0].ended.wait()
        assert isinstance(error, UpstreamTimeoutError)
        assert error.sent is True

    async def test_trickling_body_is_no_stall(self, transport: HttpTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED)
            for _ in range(6):
                await anyio.sleep(QUICK / 3)
                await peer.send(chunk(b"a"))
            await peer.send(chunk(b""))

        async with fault_server(script) as server:
            assert (await fetch(transport, server.url, within=limits(idle_seconds=QUICK))).body == b"aaaaaa"

    async def test_peer_that_takes_no_request_is_limited(self, transport: HttpTransport) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"http://localhost:{deaf.getsockname()[1]}/v1"
            error = await failure(transport, url, bytes(32 * 1024 * 1024), within=limits(idle_seconds=QUICK))
        assert isinstance(error, UpstreamTimeoutError)
        assert error.sent is True

    @pytest.mark.parametrize("framing", ["length", "chunked", "gzip"])
    async def test_body_beyond_its_limit_is_refused(self, transport: HttpTransport, framing: str) -> None:
        body = bytes(3 * 1024 * 1024)
        pieces = {
            "length": (whole(body),),
            "chunked": (CHUNKED, chunk(body), chunk(b"")),
            "gzip": (whole(gzip.compress(body), 200, "Content-Encoding: gzip"),),
        }[framing]
        async with fault_server(then_silent(*pieces)) as server:
            error = await failure(transport, server.url, within=limits(body_bytes=1024 * 1024))
        assert isinstance(error, UpstreamProtocolError)
        assert "1048576" in error.message

    async def test_body_of_exactly_its_limit_is_read(self, transport: HttpTransport) -> None:
        async with fault_server(answering(whole(b"12345678"))) as server:
            assert (await fetch(transport, server.url, within=limits(body_bytes=8))).body == b"12345678"

    async def test_stream_may_exceed_the_limit_of_whole_bodies(self, transport: HttpTransport) -> None:
        async with (
            fault_server(answering(whole(b"12345678"))) as server,
            transport.send(post(server.url), limits(body_bytes=4), PLAIN) as answer,
        ):
            assert b"".join([piece async for piece in answer]) == b"12345678"


class TestFailures:
    async def test_refused_connection_is_unavailable_and_unsent(self, transport: HttpTransport) -> None:
        error = await failure(transport, refused_url())
        assert isinstance(error, UpstreamUnavailableError)
        assert error.sent is False
        assert "localhost" in error.message

    async def test_unknown_host_is_unavailable_and_unsent(self, transport: HttpTransport) -> None:
        error = await failure(transport, "http://no-such-host.invalid/v1")
        assert isinstance(error, UpstreamUnavailableError)
        assert error.sent is False

    async def test_connection_closed_at_once_is_unavailable(self, transport: HttpTransport) -> None:
        async with fault_server(close_at_once) as server:
            assert isinstance(await failure(transport, server.url), UpstreamUnavailableError)

    async def test_connection_reset_before_an_answer_is_unavailable(self, transport: HttpTransport) -> None:
        async with fault_server(then_resetting()) as server:
            error = await failure(transport, server.url)
        assert isinstance(error, UpstreamUnavailableError)
        assert error.sent is True

    @pytest.mark.parametrize(
        "script",
        [
            then_closing(b"HTTP/1.1 200 OK\r\nContent-"),
            then_resetting(b"HTTP/1.1 200 OK\r\nContent-"),
            then_closing(b"SSH-2.0-OpenSSH_9.0\r\n\r\n"),
            then_closing(head(200, "Content-Length: 10"), b"short"),
            then_resetting(CHUNKED, chunk(b"a")),
            then_closing(CHUNKED, chunk(b"a")),
            then_closing(CHUNKED, b"xyz\r\nno length\r\n"),
            then_closing(CHUNKED, b"5\r\nhello world\r\n"),
            then_closing(head(200, "Content-Length: ten"), b"0123456789"),
        ],
        ids=[
            "half a head",
            "half a head and reset",
            "another protocol",
            "short content-length",
            "reset in the body",
            "chunks without end",
            "chunk without length",
            "chunk longer than it says",
            "content-length not a number",
        ],
    )
    async def test_broken_answer_is_a_protocol_error_that_was_sent(
        self, transport: HttpTransport, script: Callable[[Peer], object]
    ) -> None:
        async with fault_server(script) as server:  # type: ignore[arg-type]
            error = await failure(transport, server.url)
        assert isinstance(error, UpstreamProtocolError)
        assert error.sent is True

    async def test_pieces_before_the_cut_are_delivered(self, transport: HttpTransport) -> None:
        seen = []
        async with fault_server(then_closing(CHUNKED, chunk(b"data: 1\n\n"))) as server:
            with pytest.raises(UpstreamProtocolError):
                async with transport.send(post(server.url), LIMITS, PLAIN) as answer:
                    async for piece in answer:
                        seen.append(piece)
        assert seen == [b"data: 1\n\n"]

    @pytest.mark.parametrize("drains", [True, False])
    async def test_answer_that_comes_before_the_request_was_read_is_heard(self, transport: HttpTransport, drains: bool) -> None:
        async def script(peer: Peer) -> None:
            await peer.head()
            await peer.send(whole(b"too large", 413, "Connection: close"))
            if drains:
                await peer.until_closed()
            else:
                await anyio.sleep(5)

        async with fault_server(script) as server:
            answer = await fetch(transport, server.url, bytes(32 * 1024 * 1024))
        assert (answer.status, answer.body) == (413, b"too large")


class TestCancellation:
    @pytest.mark.parametrize("script", [then_silent(), then_silent(CHUNKED, chunk(b"a"))], ids=["before the head", "inside the body"])
    async def test_cancelled_call_closes_its_connection_at_once(self, transport: HttpTransport, script: Callable[[Peer], object]) -> None:
        async with fault_server(script) as server, anyio.create_task_group() as tasks:  # type: ignore[arg-type]
            tasks.start_soon(fetch, transport, server.url)
            peer = await server.peer()
            await peer.asked.wait()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True), anyio.fail_after(AT_ONCE):
                await peer.ended.wait()

    async def test_call_cancelled_in_its_handshake_closes_its_connection_at_once(self, transport: HttpTransport) -> None:
        async with fault_server(never_speak) as server, anyio.create_task_group() as tasks:
            tasks.start_soon(fetch, transport, server.url.replace("http://", "https://"))
            peer = await server.peer()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True), anyio.fail_after(AT_ONCE):
                await peer.ended.wait()

    async def test_cancelled_calls_leave_room_for_others(self, narrow_transport: HttpTransport) -> None:
        async with fault_server(then_silent(), answering(whole(b"ok"))) as server:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fetch, narrow_transport, server.url)
                await (await server.peer()).asked.wait()
                tasks.start_soon(fetch, narrow_transport, server.url)
                tasks.cancel_scope.cancel()
            assert (await fetch(narrow_transport, server.url)).body == b"ok"


class TestTls:
    async def test_certificate_of_a_known_authority_is_accepted(self, transport: HttpTransport, certificates: Certificates) -> None:
        async with fault_server(answering(whole(b"ok")), tls=certificates.server()) as server:
            assert (await fetch(transport, server.url, options=TransportOptions(ca_file=certificates.ca_file))).body == b"ok"

    async def test_unknown_authority_is_unavailable_and_unsent(self, transport: HttpTransport, certificates: Certificates) -> None:
        async with fault_server(answering(whole(b"ok")), tls=certificates.server()) as server:
            error = await failure(transport, server.url)
        assert isinstance(error, UpstreamUnavailableError)
        assert error.sent is False
        assert "certificate" in error.message

    async def test_wrong_host_is_unavailable_and_unsent(self, transport: HttpTransport, certificates: Certificates) -> None:
        async with fault_server(answering(whole(b"ok")), tls=certificates.server("other.example")) as server:
            error = await failure(transport, server.url, options=TransportOptions(ca_file=certificates.ca_file))
        assert isinstance(error, UpstreamUnavailableError)
        assert error.sent is False

    async def test_verification_can_be_switched_off(self, transport: HttpTransport, certificates: Certificates) -> None:
        async with fault_server(answering(whole(b"ok")), tls=certificates.server("other.example")) as server:
            assert (await fetch(transport, server.url, options=TransportOptions(verify=False))).body == b"ok"

    async def test_client_certificate_is_shown(self, transport: HttpTransport, certificates: Certificates) -> None:
        certificate, key = certificates.client_files()
        options = TransportOptions(ca_file=certificates.ca_file, client_certificate=certificate, client_key=key)
        async with fault_server(answering(whole(b"ok")), tls=certificates.server(ask_client=True)) as server:
            assert (await fetch(transport, server.url, options=options)).body == b"ok"

    async def test_missing_client_certificate_is_unavailable(self, transport: HttpTransport, certificates: Certificates) -> None:
        async with fault_server(answering(whole(b"ok")), tls=certificates.server(ask_client=True)) as server:
            error = await failure(transport, server.url, options=TransportOptions(ca_file=certificates.ca_file))
        assert isinstance(error, UpstreamUnavailableError)

    async def test_server_without_tls_is_unavailable_and_unsent(self, transport: HttpTransport) -> None:
        async def script(peer: Peer) -> None:
            await peer.send(whole(b"this is plain HTTP", 400))
            await peer.until_closed()

        async with fault_server(script) as server:
            error = await failure(transport, server.url.replace("http://", "https://"))
        assert isinstance(error, UpstreamUnavailableError)
        assert error.sent is False

    async def test_stream_and_cancellation_work_under_tls(self, transport: HttpTransport, certificates: Certificates) -> None:
        options = TransportOptions(ca_file=certificates.ca_file)
        async with fault_server(then_silent(CHUNKED, chunk(b"a")), tls=certificates.server()) as server:
            async with transport.send(post(server.url), LIMITS, options) as answer:
                assert await anext(answer) == b"a"
            with anyio.fail_after(AT_ONCE):
                await server.peers[0].ended.wait()
