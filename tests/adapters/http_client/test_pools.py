"""Ways of connecting: certificates, proxies, and how many pools are kept."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from support.certificates import Certificates
from support.fault_server import Peer, Script, answering, chunk, fault_server, head, refused_url, then_closing, then_silent, whole
from tianji_adapters.http_client.transport import HttpxTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest, HttpResponse
from tianji_core.calls.secret import Secret
from tianji_core.errors import ConfigurationError, UpstreamTimeoutError, UpstreamUnavailableError
from tianji_core.ports.http_transport import TransportLimits

pytestmark = pytest.mark.anyio
LIMITS = TransportLimits(connect_seconds=5, pool_seconds=5, first_byte_seconds=5, idle_seconds=5)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def transport(anyio_backend: object) -> AsyncIterator[HttpxTransport]:
    made = HttpxTransport(version="0", max_pools=2)
    yield made
    await made.aclose()


async def fetch(transport: HttpxTransport, url: str, options: TransportOptions, limits: TransportLimits = LIMITS) -> HttpResponse:
    async with transport.send(HttpRequest(method="POST", url=url, body=b"{}"), limits, options) as answer:
        return await answer.read()


def tunnel(certificates: Certificates, inside: Script) -> Script:
    """A CONNECT proxy and the server behind it in one."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(200))
        await inside(await peer.under_tls(certificates.server("api.example")))

    return script


def through(port: int, certificates: Certificates, user: str = "") -> TransportOptions:
    return TransportOptions(proxy=Secret(f"http://{user}127.0.0.1:{port}"), ca_file=certificates.ca_file)


class TestProxies:
    async def test_https_goes_through_a_tunnel_with_the_proxys_credential(
        self, transport: HttpxTransport, certificates: Certificates
    ) -> None:
        async with fault_server(tunnel(certificates, answering(whole(b"inside")))) as proxy:
            answer = await fetch(transport, "https://api.example/v1", through(proxy.port, certificates, "user:p%40ss@"))
            connect, inner = proxy.peers[0].requests
        assert answer.body == b"inside"
        assert connect.startswith(b"CONNECT api.example:443 HTTP/1.1\r\n")
        assert b64encode(b"user:p@ss") in connect
        assert b64encode(b"user:p@ss") not in inner

    async def test_http_is_forwarded_with_its_whole_address(self, transport: HttpxTransport, certificates: Certificates) -> None:
        async with fault_server(answering(whole(b"forwarded"))) as proxy:
            answer = await fetch(transport, "http://api.example/v1?a=b", through(proxy.port, certificates))
            assert answer.body == b"forwarded"
            assert proxy.peers[0].requests[0].startswith(b"POST http://api.example/v1?a=b HTTP/1.1\r\n")

    @pytest.mark.parametrize("refusal", [answering(whole(b"", 407)), then_closing()], ids=["407", "closed"])
    async def test_proxy_that_refuses_is_unavailable_and_unsent(
        self, transport: HttpxTransport, certificates: Certificates, refusal: Script
    ) -> None:
        async with fault_server(refusal) as proxy:
            with pytest.raises(UpstreamUnavailableError) as caught:
                await fetch(transport, "https://api.example/v1", through(proxy.port, certificates, "user:planted@"))
        assert caught.value.sent is False
        assert "planted" not in str(caught.value)

    async def test_silent_proxy_is_a_connect_timeout_and_unsent(self, transport: HttpxTransport, certificates: Certificates) -> None:
        async with fault_server(then_silent()) as proxy:
            with pytest.raises(UpstreamTimeoutError) as caught:
                await fetch(transport, "https://api.example/v1", through(proxy.port, certificates), TransportLimits(connect_seconds=0.1))
        assert caught.value.sent is False

    async def test_failure_behind_the_tunnel_is_sent(self, transport: HttpxTransport, certificates: Certificates) -> None:
        async with fault_server(tunnel(certificates, then_closing())) as proxy:
            with pytest.raises(UpstreamUnavailableError) as caught:
                await fetch(transport, "https://api.example/v1", through(proxy.port, certificates))
        assert caught.value.sent is True

    async def test_environment_is_asked_only_when_handed_in(self, anyio_backend: object) -> None:
        async with fault_server(answering(whole(b"by proxy"))) as proxy, fault_server(answering(whole(b"direct"))) as server:
            address = f"http://127.0.0.1:{proxy.port}"
            reading = HttpxTransport(version="0", environment={"HTTP_PROXY": address})
            sparing = HttpxTransport(version="0", environment={"HTTP_PROXY": address, "NO_PROXY": "localhost"})
            blind = HttpxTransport(version="0")
            bodies = [(await fetch(each, server.url, TransportOptions())).body for each in (reading, sparing, blind)]
            for each in (reading, sparing, blind):
                await each.aclose()
        assert bodies == [b"by proxy", b"direct", b"direct"]

    @pytest.mark.parametrize("address", ["planted:3128", "ftp://planted", "http://:planted@", "http://[planted"])
    async def test_bad_proxy_address_is_a_configuration_error_that_does_not_quote_it(self, transport: HttpxTransport, address: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            await fetch(transport, refused_url(), TransportOptions(proxy=Secret(address)))
        assert "planted" not in str(caught.value)


class TestFiles:
    async def test_missing_ca_file_is_a_configuration_error(self, transport: HttpxTransport, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"missing\.pem"):
            await fetch(transport, refused_url("https"), TransportOptions(ca_file=str(tmp_path / "missing.pem")))

    async def test_file_that_is_no_certificate_is_a_configuration_error(self, transport: HttpxTransport, tmp_path: Path) -> None:
        (tmp_path / "words.pem").write_text("words")
        with pytest.raises(ConfigurationError, match=r"words\.pem"):
            await fetch(transport, refused_url("https"), TransportOptions(client_certificate=str(tmp_path / "words.pem")))


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://localhost/v1", "http://", "http://localhost:port/v1", "http://[::1/v1"])
async def test_address_that_is_no_http_url_is_a_configuration_error(transport: HttpxTransport, url: str) -> None:
    with pytest.raises(ConfigurationError):
        await fetch(transport, url, TransportOptions())


async def test_host_and_path_outside_ascii_are_encoded(transport: HttpxTransport) -> None:
    async with fault_server(answering(whole(b"ok"))) as proxy:
        await fetch(transport, "http://bücher.example/v1/größe;a=1?q=ä b", TransportOptions(proxy=Secret(f"http://127.0.0.1:{proxy.port}")))
        request = proxy.peers[0].requests[0]
    assert request.startswith(b"POST http://xn--bcher-kva.example/v1/gr%C3%B6%C3%9Fe;a=1?q=%C3%A4%20b HTTP/1.1\r\n")


async def test_least_recently_used_idle_pool_is_closed_beyond_the_limit(transport: HttpxTransport) -> None:
    kinds = [TransportOptions(), TransportOptions(verify=False), TransportOptions(http2=True)]
    async with fault_server(answering(whole(b"ok"))) as server:
        for options in kinds:
            await fetch(transport, server.url, options)
        with anyio.fail_after(1):
            await server.peers[0].ended.wait()
        assert not server.peers[1].ended.is_set()
        assert not server.peers[2].ended.is_set()


async def test_pool_in_use_is_not_closed_beyond_the_limit(transport: HttpxTransport) -> None:
    released = anyio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(200, "Transfer-Encoding: chunked"))
        await released.wait()
        await peer.send(chunk(b"still here") + chunk(b""))

    async with (
        fault_server(script, answering(whole(b"ok"))) as server,
        transport.send(HttpRequest(method="POST", url=server.url), LIMITS, TransportOptions()) as answer,
    ):
        await fetch(transport, server.url, TransportOptions(verify=False))
        await fetch(transport, server.url, TransportOptions(http2=True))
        released.set()
        assert (await answer.read()).body == b"still here"
