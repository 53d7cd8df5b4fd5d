"""Server-sent events as bytes: where one ends, and its data, without taking it apart further.

For streams that are handed on as they came. What an event means is `sse`'s matter; both cut at the same places.
"""

import re
from dataclasses import dataclass

from tianji_core.errors import UpstreamProtocolError
from tianji_core.wire.sse import MAX_EVENT_BYTES, SseDecoder

_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_ENDS = b"\r\n"
_LONGEST_BLANK_LINE = 4


@dataclass(slots=True)
class RawEvents:
    """Feed it bytes, take whole events, blank line included. The pieces joined are the bytes that were fed."""

    max_event_bytes: int = MAX_EVENT_BYTES
    held: bytes = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that these bytes complete.

        Raises:
            UpstreamProtocolError: one event is larger than `max_event_bytes`.
        """
        held = self.held
        buffer = held + data if held else data
        start, search = 0, max(0, len(held) - _LONGEST_BLANK_LINE)
        events: list[bytes] = []
        while (found := _BLANK_LINE.search(buffer, search)) is not None:
            search = found.end()
            events.append(buffer[start:search])
            start = search
        self.held = buffer[start:] if start else buffer
        if len(self.held) > self.max_event_bytes:
            raise UpstreamProtocolError(f"one event of the stream is larger than {self.max_event_bytes} bytes")
        return events


def data_of(event: bytes) -> bytes | None:
    """Return the data of one whole event; None for one without data (a comment, a lone blank line)."""
    start = event.find(b"data:")
    if start < 0:
        return None
    data = event[start + 5 :].strip()
    if (start and event[start - 1] not in _LINE_ENDS) or b"\n" in data or b"\r" in data:
        found = SseDecoder().feed(event)
        return found[0].data if found else None
    return data
