"""How a deployment is reached: its headers, its proxy and its TLS."""

import re

from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Headers
from tianji_core.config.compatibility import Block
from tianji_core.config.merge import beside
from tianji_core.config.nodes import MapNode, Scalar
from tianji_core.config.problems import Problems

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, `token`
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, `field-value`, in Latin-1


def read_headers(block: Block, problems: Problems) -> Headers:
    """Return `extra_headers` with lower-case names."""
    node = block.get("extra_headers", MapNode)
    headers: list[tuple[str, str]] = []
    for name, entry in node.entries.items() if node is not None else ():
        if not isinstance(entry.node, Scalar):
            problems.error(entry.place, f"the header `{name}` must be a single value")
        elif not _NAME.fullmatch(name):
            problems.error(entry.place, f"`{name}` is no name of a header")
        elif not _VALUE.fullmatch(entry.node.text):
            problems.error(entry.place, f"the value of the header `{name}` holds characters that a header cannot carry")
        elif entry.node.value is not None:
            headers.append((name.lower(), entry.node.text.strip()))
    return tuple(headers)


def read_transport(block: Block, settings: Block, problems: Problems) -> TransportOptions:
    """Return the transport's options; TLS settings of `tianji_settings` hold where the deployment has none."""
    tls = block if "ssl_verify" in block.values else settings
    verify = tls.get("ssl_verify", bool)
    ca_file = _path(block, "ca_file") or _path(tls, "ssl_verify")
    certificate = _path(block, "client_certificate") or _path(settings, "ssl_certificate")
    client_key = _path(block, "client_key")
    if client_key is not None and certificate is None:
        problems.error(block.place_of("client_key"), "`client_key` needs a `client_certificate`")
    if verify is False and block.text("ca_file") is not None:
        problems.error(block.place_of("ca_file"), "`ca_file` has no effect while `ssl_verify` is false", "remove one of them")
    proxy = block.secret("proxy")
    if proxy is not None and not proxy.reveal().lower().startswith(("http://", "https://", "socks5://", "socks5h://")):
        problems.error(block.place_of("proxy"), "`proxy` must begin with `http://`, `https://` or `socks5://`")
    return TransportOptions(
        http2=block.flag("http2"),
        proxy=proxy,
        verify=verify is not False,
        ca_file=ca_file,
        client_certificate=certificate,
        client_key=client_key,
    )


def _path(block: Block, name: str) -> str | None:
    path = block.text(name)
    return beside(block.place_of(name).file, path) if path is not None else None


__all__ = ["read_headers", "read_transport"]
