"""How long a request says that it is."""

from tianji_core.calls.http import Headers, header
from tianji_core.errors import TooLargeError

_MOST_DIGITS = 20
"""Of a declared length that are read: more than any limit has, and fewer than Python refuses."""


def check_declared_length(headers: Headers, limit: int | None, *, hint: str | None = None) -> None:
    """Refuse a request that says it is longer than `limit` bytes; what says nothing, or nonsense, is found out by reading.

    Raises:
        TooLargeError: it is too long.
    """
    declared = header(headers, "content-length")
    if limit is not None and declared is not None and declared.isdecimal() and int(declared[:_MOST_DIGITS]) > limit:
        raise too_large(limit, hint=hint)


def too_large(limit: int, *, hint: str | None = None) -> TooLargeError:
    """Return the error of a body of more than `limit` bytes."""
    return TooLargeError(f"the request body is larger than {limit} bytes", hint=hint)
