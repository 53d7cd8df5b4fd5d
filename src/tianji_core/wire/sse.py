"""Server-sent events, after the WHATWG HTML standard's "event stream interpretation".

An event leaves with its last byte (the newline of its blank line); the cost is linear in the bytes, whatever the cuts; an event's size
is bounded. Line ends may be LF, CRLF or CR.
"""

from dataclasses import dataclass, field

import msgspec

from tianji_core.errors import UpstreamProtocolError

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Larger than the largest body a provider sends in one event (a base64 image), and small enough to bound the memory of a stream."""

_LF = 0x0A
_CR = 0x0D


class SseEvent(msgspec.Struct, frozen=True):
    """One event. `name` is `message` unless the stream named it; `data` joins its data lines by newlines."""

    name: str
    data: bytes


@dataclass(slots=True)
class SseDecoder:
    """Feed it bytes, take events. Comments and unknown fields are dropped; an unfinished event at the end is not an event."""

    max_event_bytes: int = MAX_EVENT_BYTES
    _line: bytearray = field(default_factory=bytearray)
    _data: list[bytes] = field(default_factory=list)
    _name: str = ""
    _size: int = 0
    _after_cr: bool = False
    _at_start: bool = True

    def feed(self, data: bytes) -> list[SseEvent]:
        """Return the events that these bytes complete.

        Raises:
            UpstreamProtocolError: one event is larger than `max_event_bytes`.
        """
        events: list[SseEvent] = []
        position = 0
        end = len(data)
        if self._after_cr and end:
            self._after_cr = False
            if data[0] == _LF:
                position = 1
        while position < end:
            stop, skip = _line_end(data, position)
            if stop < 0:
                self._grow(end - position)
                self._line += data[position:]
                break
            self._grow(stop - position)
            line = bytes(self._line) + data[position:stop] if self._line else data[position:stop]
            self._line.clear()
            if skip == 1 and data[stop] == _CR and stop + 1 == end:
                self._after_cr = True
            position = stop + skip
            event = self._take(line)
            if event is not None:
                events.append(event)
        return events

    def pending(self) -> bool:
        """Whether bytes of an unfinished event are held."""
        return bool(self._line or self._data)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self.max_event_bytes:
            raise UpstreamProtocolError(f"one event of the stream is larger than {self.max_event_bytes} bytes")

    def _take(self, line: bytes) -> SseEvent | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            return self._dispatch()
        name, colon, value = line.partition(b":")
        if colon and value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        elif not self._data and not self._name:
            self._size = 0
        return None

    def _dispatch(self) -> SseEvent | None:
        event = SseEvent(self._name or "message", b"\n".join(self._data)) if self._data else None
        self._data = []
        self._name = ""
        self._size = 0
        return event


def _line_end(data: bytes, start: int) -> tuple[int, int]:
    """Return where the line that begins at `start` ends and how long its line end is; (-1, 0) when it does not end."""
    lf = data.find(b"\n", start)
    cr = data.find(b"\r", start, lf if lf >= 0 else len(data))
    if cr < 0:
        return lf, 1 if lf >= 0 else 0
    return cr, 2 if data[cr + 1 : cr + 2] == b"\n" else 1


def encode_event(data: bytes, name: str | None = None) -> bytes:
    """Return the bytes of one event whose data has no newline (JSON never has one)."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + data + b"\n\n"
