"""Which transport carries a request: our own connections where they can, the general pool for everything else."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from tianji_adapters.http_client.fast.transport import FastTransport, on_asyncio
from tianji_adapters.http_client.proxies import proxy_from_environment
from tianji_adapters.http_client.transport import HttpxTransport
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import HttpRequest
from tianji_core.ports.http_transport import HttpTransport, TransportLimits, UpstreamAnswer


class ChoosingTransport:
    """Sends by the fast transport unless trio, a proxy, HTTP/2 or TLS of one's own asks for the general one."""

    def __init__(self, *, fast: HttpTransport, general: HttpTransport, environment: Mapping[str, str] | None = None) -> None:
        """Make no connection yet.

        Args:
            fast: Only for asyncio, and for the plain way to a server.
            general: For every way.
            environment: Where `HTTPS_PROXY` and its kin are looked up, the same as the general transport's; None ignores them.
        """
        self._fast = fast
        self._general = general
        self._environment = environment or {}
        self._may_have_proxy = any(name.lower().endswith("_proxy") for name in self._environment)

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, wait for the head, and hold the connection while the block runs."""
        chosen = self._fast if self._is_plain(request.url, options) and on_asyncio() else self._general
        return chosen.send(request, limits, options)

    async def aclose(self) -> None:
        """Close all connections."""
        try:
            await self._fast.aclose()
        finally:
            await self._general.aclose()

    def _is_plain(self, url: str, options: TransportOptions) -> bool:
        return (
            options.verify
            and not options.http2
            and options.proxy is None
            and options.ca_file is None
            and options.client_certificate is None
            and not (self._may_have_proxy and proxy_from_environment(url, self._environment))
        )


def choosing_transport(
    *, version: str, environment: Mapping[str, str] | None = None, max_connections: int = 1000, keepalive_seconds: float = 30.0
) -> ChoosingTransport:
    """Return both transports as one. The arguments are those of `HttpxTransport`; `max_connections` counts for each of the two."""
    return ChoosingTransport(
        fast=FastTransport(version=version, max_connections=max_connections, keepalive_seconds=keepalive_seconds),
        general=HttpxTransport(
            version=version, environment=environment, max_connections=max_connections, keepalive_seconds=keepalive_seconds
        ),
        environment=environment,
    )
