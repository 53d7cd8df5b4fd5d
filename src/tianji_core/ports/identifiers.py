"""Identifiers and secret bytes."""

from typing import Protocol


class Identifiers(Protocol):
    """Makes what must be unique or unguessable."""

    def uuid7(self, now_ns: int) -> str:
        """Return a UUIDv7 (RFC 9562) of this instant as 36-character text; later calls never sort before earlier ones."""
        ...

    def secret_bytes(self, count: int) -> bytes:
        """Return bytes from the system's cryptographic source."""
        ...
