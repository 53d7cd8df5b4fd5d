from contextlib import AbstractAsyncContextManager

import pytest

from tianji_adapters.http_client.choosing import ChoosingTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest
from tianji_core.calls.secret import Secret
from tianji_core.ports.http_transport import TransportLimits, UpstreamAnswer


class NotedError(Exception):
    """Says which transport was asked."""


class Noting:
    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        raise NotedError(self.name)

    async def aclose(self) -> None:
        self.closed = True


def chosen(options: TransportOptions, url: str = "https://api.example/v1", environment: dict[str, str] | None = None) -> str:
    transport = ChoosingTransport(fast=Noting("fast"), general=Noting("general"), environment=environment)
    with pytest.raises(NotedError) as caught:
        transport.send(HttpRequest(method="POST", url=url), TransportLimits(), options)
    return str(caught.value)


class TestOnAsyncio:
    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_plain_way_is_the_fast_one(self) -> None:
        assert chosen(TransportOptions()) == "fast"
        assert chosen(TransportOptions(), "http://10.0.0.1:8000/v1") == "fast"

    @pytest.mark.parametrize(
        "options",
        [
            TransportOptions(http2=True),
            TransportOptions(proxy=Secret("http://proxy.example:3128")),
            TransportOptions(verify=False),
            TransportOptions(ca_file="ca.pem"),
            TransportOptions(client_certificate="client.pem"),
        ],
        ids=["http2", "proxy", "no verification", "own authority", "client certificate"],
    )
    async def test_special_way_is_the_general_one(self, options: TransportOptions) -> None:
        assert chosen(options) == "general"

    async def test_proxy_of_the_environment_counts_for_the_hosts_that_it_is_for(self) -> None:
        environment = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "inside.example"}
        assert chosen(TransportOptions(), environment=environment) == "general"
        assert chosen(TransportOptions(), "https://inside.example/v1", environment) == "fast"
        assert chosen(TransportOptions(), "http://api.example/v1", environment) == "fast"
        assert chosen(TransportOptions(), environment={"PATH": "/bin"}) == "fast"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_every_way_is_the_general_one_on_trio(anyio_backend: str) -> None:
    assert chosen(TransportOptions()) == "general"


@pytest.mark.anyio
async def test_both_are_closed() -> None:
    fast, general = Noting("fast"), Noting("general")
    await ChoosingTransport(fast=fast, general=general).aclose()
    assert (fast.closed, general.closed) == (True, True)
