"""Identifiers from the system's random source. Source: RFC 9562, sections 5.7 and 6.2 (method 2, monotonic random)."""

import secrets
import threading
import uuid
from dataclasses import dataclass, field

_COUNTER_BITS = 74
_SMALLEST_STEP, _LARGEST_STEP = 1, 1 << 32


@dataclass(slots=True)
class SystemIdentifiers:
    """Implements the `Identifiers` port. Ids of one process sort in the order in which they were made."""

    _milliseconds: int = 0
    _counter: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def uuid7(self, now_ns: int) -> str:
        """Return a UUIDv7 of this instant, or of the last one's where the clock went back."""
        with self._lock:
            self._advance(now_ns // 1_000_000)
            return uuid7_text(self._milliseconds, self._counter)

    def secret_bytes(self, count: int) -> bytes:
        """Return bytes from the system's cryptographic source."""
        return secrets.token_bytes(count)

    def _advance(self, milliseconds: int) -> None:
        """Move on: a new millisecond starts at a random place in the lower half, the same one takes a random step upwards."""
        if milliseconds > self._milliseconds:
            self._milliseconds, self._counter = milliseconds, secrets.randbits(_COUNTER_BITS - 1)
            return
        self._counter += _SMALLEST_STEP + secrets.randbelow(_LARGEST_STEP)
        if self._counter >> _COUNTER_BITS:
            self._milliseconds, self._counter = self._milliseconds + 1, secrets.randbits(_COUNTER_BITS - 1)


def uuid7_text(milliseconds: int, counter: int) -> str:
    """Return the text of a UUIDv7 from 48 bits of time and 74 bits of counter."""
    high, low = counter >> 62, counter & ((1 << 62) - 1)
    return str(uuid.UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
