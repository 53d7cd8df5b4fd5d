"""HTTP as plain values: what is to be sent, what came back, and how the request proves who we are.

Credentials never stand in `headers` as text before the moment of sending, so that any request may be printed.
"""

import msgspec

from tianji_core.calls.secret import Secret

Headers = tuple[tuple[str, str], ...]
"""Pairs of lower-case name and value, in order; a name may stand more than once."""


class NoAuth(msgspec.Struct, frozen=True, tag=True):
    """The server asks for no credential."""


class Bearer(msgspec.Struct, frozen=True, tag=True):
    """`Authorization: Bearer <secret>` (RFC 6750)."""

    secret: Secret


class HeaderKey(msgspec.Struct, frozen=True, tag=True):
    """A header of the provider's own, such as `x-api-key`."""

    name: str
    secret: Secret
    prefix: str = ""


class QueryKey(msgspec.Struct, frozen=True, tag=True):
    """A query parameter that holds the key."""

    name: str
    secret: Secret


Auth = NoAuth | Bearer | HeaderKey | QueryKey


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request to be sent. `auth` becomes a header in `tianji_core.signing` just before sending."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    auth: Auth = NoAuth()


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One whole answer. Header names are lower case."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, given in lower case."""
        return header(self.headers, name)


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, given in lower case, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None
