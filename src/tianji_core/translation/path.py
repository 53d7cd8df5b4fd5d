"""The way of an answer from a provider's bytes to a caller's bytes. Each event leaves with what the meter saw in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from tianji_core.calls.http import HttpResponse
from tianji_core.errors import TianjiError
from tianji_core.shapes.codecs import Chunk, StreamDecoder, SurfaceCodec, SurfaceStream
from tianji_core.translation.reading import Reading, read


class RelayEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes for the caller, what the meter saw, and whether the answer is committed with them."""

    data: bytes
    reading: Reading | None = None
    content: bool = True


class StreamPath(Protocol):
    """One streamed answer on its way. The canonical path is one; a path that leaves bytes as they are is another."""

    def feed(self, data: bytes) -> list[RelayEvent]:
        """Return the events that these upstream bytes complete; raises as the provider's decoder does."""
        ...

    def close(self) -> list[RelayEvent]:
        """Return the end of the answer; raises UpstreamProtocolError when the provider cut it short."""
        ...

    def error(self, error: TianjiError, request_id: str) -> bytes:
        """Return the one event that tells of an error after the answer was committed."""
        ...

    def keep_alive(self) -> bytes:
        """Return what keeps an idle connection open and means nothing."""
        ...


@dataclass(slots=True)
class CanonicalStream:
    """Provider dialect → canonical chunks → surface dialect."""

    decoder: StreamDecoder[Chunk]
    encoder: SurfaceStream[Chunk]
    _carried: list[Reading] = field(default_factory=list)

    def feed(self, data: bytes) -> list[RelayEvent]:
        """Return the events that these upstream bytes complete."""
        return self._encode(self.decoder.feed(data))

    def close(self) -> list[RelayEvent]:
        """Return the end of the answer, terminator included."""
        events = self._encode(self.decoder.close())
        for event in self.encoder.close():
            events.append(RelayEvent(data=event.data, reading=self._next_reading(), content=event.content))
        return events

    def error(self, error: TianjiError, request_id: str) -> bytes:
        """Return the surface's error event."""
        return b"".join(event.data for event in self.encoder.error(error, request_id))

    def keep_alive(self) -> bytes:
        """Return the surface's word for "still there"."""
        return self.encoder.keep_alive()

    def _encode(self, chunks: Sequence[Chunk]) -> list[RelayEvent]:
        events: list[RelayEvent] = []
        for chunk in chunks:
            self._carried.append(read(chunk))
            for event in self.encoder.feed(chunk):
                events.append(RelayEvent(data=event.data, reading=self._next_reading(), content=event.content))
        if self._carried:  # a chunk without an event of its own still counts
            events.append(RelayEvent(data=b"", reading=self._next_reading(), content=False))
        return events

    def _next_reading(self) -> Reading | None:
        if not self._carried:
            return None
        readings, self._carried = self._carried, []
        return readings[0] if len(readings) == 1 else _joined(readings)


def _joined(readings: list[Reading]) -> Reading:
    usage = None
    for reading in readings:
        if reading.usage is not None:
            usage = reading.usage if usage is None else usage.replaced_by(reading.usage)
    return Reading(
        response_id=readings[0].response_id,
        model=readings[-1].model,
        usage=usage,
        text="".join(reading.text for reading in readings),
        finish_reasons=tuple(reason for reading in readings for reason in reading.finish_reasons),
    )


def whole_answer(response: HttpResponse, codec: Any, memo: Any, surface: SurfaceCodec, surface_memo: Any) -> RelayEvent:
    """Return a whole answer in the caller's format; raises as the provider's codec does."""
    answer = codec.decode(response, memo)
    return RelayEvent(data=surface.encode(answer, surface_memo), reading=read(answer))
