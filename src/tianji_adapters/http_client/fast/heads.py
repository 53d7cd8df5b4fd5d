"""The head of an answer: its headers as text, and what they say about where the body ends."""

from collections.abc import Sequence
from functools import lru_cache

from tianji_core.calls.http import Headers

BODILESS = (204, 304)
"""Statuses whose answers end with their heads (RFC 9112 §6.3), as do those to HEAD."""


class NotHttp(Exception):  # noqa: N818 - it never leaves the parser's callbacks
    """The head cannot be trusted."""


def read_head(version: str, status: int, lines: Sequence[tuple[bytes, bytes]]) -> tuple[Headers, bool]:
    """Return the headers, and whether the body lasts until the connection's end. Raises NotHttp.

    Two framings, or one that only some recipients understand, let a second answer hide in the first. The parser refuses most of
    them; here are those that it leaves to its caller.
    """
    if version not in ("1.1", "1.0") or status < 200:
        raise NotHttp
    headers = []
    framed = chunked = False
    for raw, value in lines:
        name = _name(raw)
        text = value.decode("latin-1").rstrip(" \t")
        headers.append((name, text))
        if name == "content-length":
            framed = True
        elif name == "transfer-encoding":
            if chunked or text.lower() != "chunked" or version == "1.0":
                raise NotHttp
            chunked = True
    return tuple(headers), not (framed or chunked or status in BODILESS)


@lru_cache(maxsize=1024)
def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()
