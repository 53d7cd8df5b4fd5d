"""One pool of connections for each way of connecting, made at first need."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import httpcore

from tianji_adapters.http_client.http2 import ExclusivePool
from tianji_adapters.http_client.network import Network
from tianji_adapters.http_client.proxies import proxy_from_environment
from tianji_adapters.http_client.tls import tls_context
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.secret import Secret
from tianji_core.errors import ConfigurationError


@dataclass(slots=True)
class Pool:
    """Connections of one kind.

    Attributes:
        kept: Keeps connections between calls.
        fresh: Never reuses one; what replaces a connection that turned out to be dead.
        in_use: Exchanges that have not ended.
    """

    kept: httpcore.AsyncConnectionPool
    fresh: httpcore.AsyncConnectionPool
    proxy_scheme: str | None
    in_use: int = 0

    def handshakes(self, scheme: str) -> int:
        """TLS handshakes before the first byte of a request for such a URL."""
        return (scheme == "https") + (self.proxy_scheme == "https")

    async def aclose(self) -> None:
        await self.kept.aclose()
        await self.fresh.aclose()


@dataclass(slots=True)
class Pools:
    """All pools; at most `max_pools` when not more are in use, the least recently used closed first.

    Attributes:
        environment: Where `HTTPS_PROXY` and its kin are looked up; empty means that only a deployment's own proxy counts.
    """

    environment: Mapping[str, str]
    max_connections: int
    keepalive_seconds: float
    max_pools: int
    _pools: OrderedDict[tuple[TransportOptions, str | None], Pool] = field(default_factory=OrderedDict)

    async def take(self, url: str, options: TransportOptions) -> Pool:
        """Return the pool for a URL, counted as in use. Raises ConfigurationError for certificates that cannot be read."""
        proxy = options.proxy.reveal() if options.proxy else proxy_from_environment(url, self.environment)
        key = (options, proxy)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = self._make(options, proxy)
        self._pools.move_to_end(key)
        pool.in_use += 1
        try:
            await self._evict()
        except BaseException:
            pool.in_use -= 1
            raise
        return pool

    async def _evict(self) -> None:
        if len(self._pools) <= self.max_pools:
            return
        for key, pool in list(self._pools.items())[: len(self._pools) - self.max_pools]:
            if pool.in_use == 0 and self._pools.pop(key, None) is not None:
                await pool.aclose()

    async def aclose(self) -> None:
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            await pool.aclose()

    def _make(self, options: TransportOptions, proxy: str | None) -> Pool:
        context = tls_context(options)
        through = proxy_of(Secret(proxy)) if proxy else None

        def connections(keep: int | None) -> httpcore.AsyncConnectionPool:
            # A finite keep-alive limit is compared with all connections, busy ones too, and would close idle ones without need.
            kind = ExclusivePool if options.http2 else httpcore.AsyncConnectionPool
            return kind(
                ssl_context=context,
                proxy=through,
                max_connections=self.max_connections,
                max_keepalive_connections=keep,
                keepalive_expiry=self.keepalive_seconds,
                http2=options.http2,
                network_backend=Network(),
            )

        scheme = urlsplit(proxy).scheme if proxy else None
        return Pool(kept=connections(None), fresh=connections(0), proxy_scheme=scheme)


def proxy_of(address: Secret) -> httpcore.Proxy:
    """Return the proxy of an address that may hold user and password. Raises ConfigurationError."""
    try:
        parts = urlsplit(address.reveal())
        port = parts.port
    except ValueError:
        raise ConfigurationError("the proxy's address is not a URL", hint="such as http://proxy.example:3128") from None
    if parts.scheme not in ("http", "https", "socks5", "socks5h") or not parts.hostname:
        raise ConfigurationError("the proxy's address must be http://, https:// or socks5://", hint="such as http://proxy.example:3128")
    auth = (unquote(parts.username).encode(), unquote(parts.password or "").encode()) if parts.username else None
    return httpcore.Proxy(httpcore.URL(scheme=parts.scheme, host=parts.hostname, port=port, target="/"), auth=auth)
