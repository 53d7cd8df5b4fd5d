"""What stands on the wire of a request, whichever transport sends it: its address, its target and its headers."""

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

import msgspec

from tianji_adapters.http_client.faults import not_sayable
from tianji_core.calls.http import Headers, HttpRequest
from tianji_core.errors import ConfigurationError

_OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_SAFE_IN_TARGET = "/:?#[]@!$&'()*+,;=%-._~|"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A URL taken apart.

    Attributes:
        scheme: `http` or `https`.
        host: In ASCII, an IPv6 address without brackets.
        port: As written, or None.
        authority: What the `host` header says; also our name for the server in messages.
        target: Path and query, as they stand in the request's first line. May hold a credential.
    """

    scheme: str
    host: str
    port: int | None
    authority: str
    target: str


@lru_cache(maxsize=1024)
def address_of(url: str) -> Address:
    """Return the parts of a URL. Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("the deployment's address is not a URL", hint="`api_base` must begin with http:// or https://") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("the deployment's address is not an HTTP URL", hint="`api_base` must begin with http:// or https://")
    host = _ascii_host(parts.hostname)
    bracketed = f"[{host}]" if ":" in host else host
    query = f"?{quote(parts.query, safe=_SAFE_IN_TARGET)}" if parts.query else ""
    return Address(
        scheme=parts.scheme,
        host=host,
        port=port,
        authority=f"{bracketed}:{port}" if port else bracketed,
        target=quote(parts.path or "/", safe=_SAFE_IN_TARGET) + query,
    )


def sent_headers(request: HttpRequest, headers: Headers, address: Address, user_agent: str) -> list[tuple[str, str]]:
    """Return the header lines of a request, the framing ones being ours.

    Raises UpstreamProtocolError (`sent` False) for a line that HTTP cannot say.
    """
    sent = [("host", address.authority)]
    named = False
    for pair in headers:
        name, value = pair
        if name in _OURS:
            continue
        if not _is_token(name) or not ((value.isascii() and value.isprintable()) or _VALUE.fullmatch(value)):
            raise not_sayable(address.authority)
        named = named or name == "user-agent"
        sent.append(pair)
    if not named:
        sent.append(("user-agent", user_agent))
    sent.append(("accept-encoding", "identity"))
    if request.body or request.method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        sent.append(("content-length", str(len(request.body))))
    return sent


def _ascii_host(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise ConfigurationError("the deployment's host name is not valid", hint="check `api_base`") from None


@lru_cache(maxsize=1024)
def _is_token(name: str) -> bool:
    """Whether a header may be called so (RFC 9110 §5.6.2)."""
    return _TOKEN.fullmatch(name) is not None
