"""Credentials that are a text in a header or in the query: `auth` becomes part of the request just before it is sent."""

from typing import assert_never
from urllib.parse import quote

from tianji_core.calls.http import Bearer, HeaderKey, Headers, HttpRequest, NoAuth, QueryKey
from tianji_core.calls.secret import Secret
from tianji_core.errors import UpstreamAuthenticationError


def signed_headers(request: HttpRequest) -> tuple[str, Headers]:
    """Return the URL and the headers with the credential in its place. What is returned holds a secret: send it, print it nowhere.

    A header of the same name that stood in the request gives way. Raises UpstreamAuthenticationError (`sent` False) for a credential
    that no header may hold, without quoting it.
    """
    match request.auth:
        case NoAuth():
            return request.url, request.headers
        case Bearer(secret):
            return request.url, _with_header(request.headers, "authorization", f"Bearer {_text(secret)}")
        case HeaderKey(name, secret, prefix):
            return request.url, _with_header(request.headers, name.lower(), prefix + _text(secret))
        case QueryKey(name, secret):
            return _with_query(request.url, f"{quote(name, safe='')}={quote(secret.reveal(), safe='')}"), request.headers
        case _ as never:
            assert_never(never)


def _with_header(headers: Headers, name: str, value: str) -> Headers:
    return (*(pair for pair in headers if pair[0] != name), (name, value))


def _with_query(url: str, parameter: str) -> str:
    address, mark, fragment = url.partition("#")
    joint = "?" if "?" not in address else "" if address.endswith(("?", "&")) else "&"
    return f"{address}{joint}{parameter}{mark}{fragment}"


def _text(secret: Secret) -> str:
    """Return the credential if it may stand in a header (RFC 9110 §5.5), which a line break from a file, say, may not."""
    value = secret.reveal()
    if not value.isascii() or not value.isprintable():
        raise UpstreamAuthenticationError(
            "the provider's credential holds a character that no header may hold",
            sent=False,
            hint="a line break at its end, perhaps: check where the key comes from",
        )
    return value
