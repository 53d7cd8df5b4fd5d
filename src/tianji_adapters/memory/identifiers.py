"""Identifiers that come out the same in every run."""

import hashlib
from dataclasses import dataclass

from tianji_adapters.system.identifiers import uuid7_text


@dataclass(slots=True)
class CountingIdentifiers:
    """Implements the `Identifiers` port for tests and simulations. Its secrets are predictable: never use it to serve."""

    made: int = 0
    _milliseconds: int = 0

    def uuid7(self, now_ns: int) -> str:
        """Return a UUIDv7 of this instant, or of a later one that was asked for before, whose counter is the number of ids made so far."""
        self.made += 1
        self._milliseconds = max(self._milliseconds, now_ns // 1_000_000)
        return uuid7_text(self._milliseconds, self.made)

    def secret_bytes(self, count: int) -> bytes:
        """Return bytes that follow from how many values were asked for before."""
        self.made += 1
        return hashlib.shake_256(str(self.made).encode()).digest(count)
