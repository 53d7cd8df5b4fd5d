"""HTTP/2: negotiated under TLS, one call a connection, cancelled by closing it."""

from collections.abc import AsyncIterator

import anyio
import pytest

from support.certificates import Certificates
from support.fault_server import answering, fault_server, whole
from support.http2_peer import http2_answering, http2_dying_at_request
from tianji_adapters.http_client.transport import HttpxTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest, HttpResponse
from tianji_core.errors import UpstreamUnavailableError
from tianji_core.ports.http_transport import TransportLimits

pytestmark = pytest.mark.anyio
LIMITS = TransportLimits(connect_seconds=5, pool_seconds=5, first_byte_seconds=5, idle_seconds=5)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def options(certificates: Certificates) -> TransportOptions:
    return TransportOptions(http2=True, ca_file=certificates.ca_file)


@pytest.fixture
async def transport(anyio_backend: object) -> AsyncIterator[HttpxTransport]:
    made = HttpxTransport(version="0")
    yield made
    await made.aclose()


async def fetch(transport: HttpxTransport, url: str, options: TransportOptions) -> HttpResponse:
    async with transport.send(HttpRequest(method="POST", url=url, body=b"{}"), LIMITS, options) as answer:
        return await answer.read()


async def test_http2_is_spoken_where_the_server_offers_it_and_its_connection_kept(
    transport: HttpxTransport, certificates: Certificates, options: TransportOptions
) -> None:
    async with fault_server(http2_answering(b"over two"), tls=certificates.server(protocols=("h2", "http/1.1"))) as server:
        for _ in range(3):
            answer = await fetch(transport, server.url, options)
            assert (answer.status, answer.body, answer.header("x-version")) == (200, b"over two", "2")
        assert [len(peer.requests) for peer in server.peers] == [3]


async def test_server_without_http2_is_spoken_to_in_http1(
    transport: HttpxTransport, certificates: Certificates, options: TransportOptions
) -> None:
    async with fault_server(answering(whole(b"over one")), tls=certificates.server(protocols=("http/1.1",))) as server:
        for _ in range(2):
            assert (await fetch(transport, server.url, options)).body == b"over one"
        assert len(server.peers) == 1


async def test_concurrent_calls_have_connections_of_their_own(
    transport: HttpxTransport, certificates: Certificates, options: TransportOptions
) -> None:
    context = certificates.server(protocols=("h2",))
    async with fault_server(http2_answering(b"open", finish=False), tls=context) as server, anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(fetch, transport, server.url, options)
        peer = await server.peer(2)
        await peer.asked.wait()
        for other in server.peers:
            await other.asked.wait()
        assert [len(each.requests) for each in server.peers] == [1, 1, 1]
        tasks.cancel_scope.cancel()


async def test_cancelled_call_closes_its_connection_at_once(
    transport: HttpxTransport, certificates: Certificates, options: TransportOptions
) -> None:
    context = certificates.server(protocols=("h2",))
    async with fault_server(http2_answering(b"open", finish=False), tls=context) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(fetch, transport, server.url, options)
        peer = await server.peer()
        await peer.asked.wait()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True), anyio.fail_after(0.1):
            await peer.ended.wait()


async def test_answer_that_is_left_unread_closes_its_connection(
    transport: HttpxTransport, certificates: Certificates, options: TransportOptions
) -> None:
    context = certificates.server(protocols=("h2",))
    async with fault_server(http2_answering(b"open", finish=False), http2_answering(b"next"), tls=context) as server:
        async with transport.send(HttpRequest(method="POST", url=server.url), LIMITS, options) as answer:
            assert await anext(answer) == b"open"
        with anyio.fail_after(0.1):
            await server.peers[0].ended.wait()
        assert (await fetch(transport, server.url, options)).body == b"next"


async def test_reused_connection_that_dies_is_replaced_and_a_new_one_is_not(
    transport: HttpxTransport, certificates: Certificates, options: TransportOptions
) -> None:
    scripts = (http2_dying_at_request(2), http2_answering(b"again"), http2_dying_at_request(1))
    context = certificates.server(protocols=("h2",))
    async with fault_server(*scripts, tls=context) as server:
        assert (await fetch(transport, server.url, options)).body == b"well"
        assert (await fetch(transport, server.url, options)).body == b"again"
        with pytest.raises(UpstreamUnavailableError) as caught:
            await fetch(transport, server.url, options)
        assert caught.value.sent is True
        assert len(server.peers) == 3
