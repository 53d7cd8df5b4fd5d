"""Identifiers that a provider left out: pure functions of the call, so that every chunk and every replica says the same."""

import hashlib


def derived_id(prefix: str, *parts: object) -> str:
    """Return the prefix and 24 hex digits of the SHA-256 of the parts."""
    text = "|".join(str(part) for part in parts)
    return prefix + hashlib.sha256(text.encode()).hexdigest()[:24]
