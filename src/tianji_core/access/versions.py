"""Optimistic versions: `ETag`, `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1) and the body field `expected_version`."""

import re

from tianji_core.errors import PreconditionFailedError

_TAG = re.compile(r'(?:W/)?"?([1-9][0-9]{0,17})"?')


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


def expected_versions(if_match: str | None) -> frozenset[int] | None:
    """Return the versions that an `If-Match` header names, or None where every version will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    matches = (_TAG.fullmatch(part.strip()) for part in if_match.split(","))
    return frozenset(int(found[1]) for found in matches if found)


def check_version(version: int, *, if_match: str | None, expected: int | None) -> None:
    """Refuse a change of an object that somebody else changed in between.

    Raises:
        PreconditionFailedError: the object is at another version than the header or the body field says.
    """
    named = expected_versions(if_match)
    if (named is not None and version not in named) or (expected is not None and version != expected):
        raise PreconditionFailedError(f"the object is at version {version}, not at the one expected", hint="read it again, then change it")
