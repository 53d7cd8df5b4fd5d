"""Answers that are handed on as they came: caller and provider speak one dialect, and nothing has to be changed but a few fields.

Each event is read narrowly, for the meter, and leaves in the provider's own bytes. What the narrow reading does not understand hands
the rest of the stream to the canonical path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from tianji_core.calls.http import HttpResponse
from tianji_core.calls.usage import Usage
from tianji_core.errors import TianjiError, UpstreamProtocolError
from tianji_core.translation.path import RelayEvent, StreamPath
from tianji_core.translation.reading import Reading
from tianji_core.wire.json import UNREADABLE, encode
from tianji_core.wire.raw_events import RawEvents, data_of

NOT_NARROW = (*UNREADABLE, ValueError, UpstreamProtocolError)
"""What a narrow reading raises for an answer that only the canonical path can read, or refuse."""


class Passing(Protocol):
    """One answer in the caller's own dialect."""

    def stream(self, canonical: StreamPath) -> StreamPath:
        """Return the path of a stream; `canonical` takes over where the narrow reading ends."""
        ...

    def whole(self, response: HttpResponse) -> RelayEvent | None:
        """Return a whole answer, or None where only the canonical path can answer."""
        ...


class PassingCodec(Protocol):
    """A provider codec that can hand answers on."""

    def passing(self, memo: Any, surface_memo: Any) -> Passing | None:
        """Return the way of one call's answer; None where the answer must be changed beyond its top level."""
        ...


@dataclass(slots=True)
class Batch:
    """What one read of the connection brought: bytes for the caller, and what the meter saw in them."""

    pieces: list[bytes] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    response_id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    content: bool = False
    has_reading: bool = False

    def events(self) -> list[RelayEvent]:
        """Return it as one event, or nothing."""
        if not self.has_reading:
            return [RelayEvent(data=b"".join(self.pieces), content=False)] if self.pieces else []
        reading = Reading(
            response_id=self.response_id,
            model=self.model,
            usage=self.usage,
            text="".join(self.text),
            finish_reasons=tuple(self.reasons),
        )
        return [RelayEvent(data=b"".join(self.pieces), reading=reading, content=self.content)]


class NarrowReader(Protocol):
    """A dialect's narrow reading of a stream: a fresh machine per call."""

    def take(self, event: bytes, data: bytes, batch: Batch) -> bool:
        """Add one event to the batch; False where it has no narrow reading, and then nothing was added."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether the terminator came."""
        ...

    def close(self) -> bytes:
        """Return the terminator. Raises UpstreamProtocolError where the stream was cut short."""
        ...


@dataclass(slots=True)
class PassingStream:
    """Bytes in, the same bytes out. The terminator is held for `close()`, so that the account is written before it leaves."""

    reader: NarrowReader
    canonical: StreamPath
    _events: RawEvents = field(default_factory=RawEvents)
    _handed_over: bool = False
    _failure: TianjiError | None = None

    def feed(self, data: bytes) -> list[RelayEvent]:
        """Return what these bytes complete, as one event; raises as the provider's decoder does."""
        if self._failure is not None:
            raise self._failure
        if self._handed_over:
            return self.canonical.feed(data)
        batch = Batch()
        events = self._events.feed(data)
        for number, event in enumerate(events):
            if self.reader.is_done:
                break
            found = data_of(event)
            if found is None:
                batch.pieces.append(event)
                continue
            try:
                taken = self.reader.take(event, found, batch)
            except TianjiError as error:
                return self._broken(error, batch.events())
            if not taken:
                return self._hand_over(batch.events(), events[number:])
        return batch.events()

    def close(self) -> list[RelayEvent]:
        """Return the terminator; raises UpstreamProtocolError when the provider cut the stream short."""
        if self._failure is not None:
            raise self._failure
        return self.canonical.close() if self._handed_over else [RelayEvent(data=self.reader.close())]

    def error(self, error: TianjiError, request_id: str) -> bytes:
        """Return the surface's error event."""
        return self.canonical.error(error, request_id)

    def keep_alive(self) -> bytes:
        """Return the surface's word for "still there"."""
        return self.canonical.keep_alive()

    def _hand_over(self, before: list[RelayEvent], rest: list[bytes]) -> list[RelayEvent]:
        """Give the rest of the stream to the canonical path."""
        self._handed_over = True
        try:
            return before + self.canonical.feed(b"".join(rest) + self._events.held)
        except TianjiError as error:
            return self._broken(error, before)

    def _broken(self, error: TianjiError, before: list[RelayEvent]) -> list[RelayEvent]:
        """Let an error leave after what came before it."""
        if not before:
            raise error
        self._failure = error
        return before


_TOP_LEVEL = msgspec.json.Decoder(dict[str, msgspec.Raw])


def with_model(data: bytes, known: str, shown: str) -> bytes:
    """Return bytes that hold one JSON object with its model replaced by the name that the caller used.

    A quote inside a string is escaped, so the pattern can only be a field; where it stands more than once, which one is unknown.

    Raises:
        ValueError: the field cannot be told apart.
    """
    if known == shown:
        return data
    name = encode(known)
    for pattern in (b'"model":' + name, b'"model": ' + name):
        if data.count(pattern) == 1:
            return data.replace(pattern, b'"model":' + encode(shown))
    raise ValueError("the model's name stands in the answer more than once, or in other bytes")


def with_fields(data: bytes, changes: Mapping[str, object], *, without: tuple[str, ...] = ()) -> bytes:
    """Return a JSON object with top-level fields replaced or left out; every other value keeps its bytes."""
    fields: dict[str, object] = dict(_TOP_LEVEL.decode(data))
    for name in without:
        fields.pop(name, None)
    fields.update(changes)
    return encode(fields)


def is_given(value: msgspec.Raw) -> bool:
    """Whether a field that was left undecoded was there and is not null."""
    return bytes(value) not in (b"", b"null")
