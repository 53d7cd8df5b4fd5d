"""A message that goes to a client of this dialect as the server sent it."""

from dataclasses import dataclass, field

import msgspec

from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.stops import decode_stop, is_own_word
from tianji_core.dialects.anthropic_messages.usage import decode_usage, joined_usage
from tianji_core.errors import UpstreamProtocolError
from tianji_core.translation.cut_streams import cut_stream
from tianji_core.translation.passing import NOT_NARROW, Batch, PassingStream, with_model
from tianji_core.translation.path import RelayEvent, StreamPath
from tianji_core.translation.reading import Reading
from tianji_core.wire.json import decode_upstream

_KNOWN = frozenset({"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"})
_COUNTED = frozenset({"text", "thinking", "tool_use"})


class _Started(msgspec.Struct, gc=False):
    id: str
    model: str
    usage: msgspec.Raw


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Block(msgspec.Struct, gc=False):
    type: str
    name: str | None = None
    text: str | None = None


class _Event(msgspec.Struct, gc=False):
    type: str
    index: int = 0
    message: _Started | None = None
    delta: _Delta | None = None
    content_block: _Block | None = None
    usage: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct, gc=False):
    type: str
    id: str
    model: str
    content: list[msgspec.Raw]
    stop_reason: str
    usage: msgspec.Raw


_EVENT = msgspec.json.Decoder(_Event)
_MESSAGE = msgspec.json.Decoder(_Message)


class PassingMessages(msgspec.Struct, frozen=True):
    """One answer that may pass."""

    memo: ProviderMemo
    shown: SurfaceMemo

    def stream(self, canonical: StreamPath) -> StreamPath:
        """Return the path of a stream."""
        return PassingStream(_EventReader(self.memo, self.shown), canonical)

    def whole(self, response: HttpResponse) -> RelayEvent | None:
        """Return a whole answer; None where it is not a message in this dialect's own words."""
        try:
            answer = _MESSAGE.decode(response.body)
            if answer.type != "message" or not answer.id.startswith("msg_") or not is_own_word(answer.stop_reason):
                return None
            usage = decode_usage(decode_upstream(bytes(answer.usage), self.memo.provider))
            data = with_model(response.body, answer.model, self.shown.model)
        except NOT_NARROW:
            return None
        reading = Reading(
            response_id=answer.id,
            model=answer.model,
            usage=usage,
            finish_reasons=(decode_stop(answer.stop_reason),),
        )
        return RelayEvent(data=data, reading=reading)


def passing(memo: ProviderMemo, shown: SurfaceMemo) -> PassingMessages | None:
    """Return the way of an answer that nothing has to be changed in but its model; None for every other."""
    return None if memo.names or memo.json_tool else PassingMessages(memo, shown)


@dataclass(slots=True)
class _EventReader:
    memo: ProviderMemo
    shown: SurfaceMemo
    _id: str = ""
    _model: str = ""
    _usage: dict[str, object] = field(default_factory=dict)
    _uncounted: set[int] = field(default_factory=set)
    _terminator: bytes = b""

    @property
    def is_done(self) -> bool:
        return bool(self._terminator)

    def take(self, event: bytes, data: bytes, batch: Batch) -> bool:
        """Add one event, or the terminator; an error has no narrow reading, nor has a stream that does not begin as a message."""
        try:
            read = _EVENT.decode(data)
            piece = event if read.message is None else self._start(event, read.message)
        except NOT_NARROW:
            return self._take_unread(event, data, batch)
        if read.type == "ping":
            batch.pieces.append(event)
            return True
        if not self._id:
            return False
        if read.type == "message_stop":
            self._terminator = event
        elif read.type in _KNOWN:
            self._note(read, batch)
            batch.pieces.append(piece)
        else:
            return self._take_unread(event, data, batch)
        return True

    def _take_unread(self, event: bytes, data: bytes, batch: Batch) -> bool:
        """Hand on what is newer than this code."""
        try:
            value = decode_upstream(data, self.memo.provider)
        except UpstreamProtocolError:
            return False
        if not self._id or value.get("type") == "error" or ("error" in value and "type" not in value):
            return False
        batch.pieces.append(event)
        return True

    def close(self) -> bytes:
        """Return the terminator."""
        if not self._terminator:
            raise cut_stream(self.memo.provider)
        return self._terminator

    def _start(self, event: bytes, message: _Started) -> bytes:
        if not message.id.startswith("msg_"):
            raise ValueError("the canonical path would change this id")
        piece = with_model(event, message.model, self.shown.model)
        self._usage = joined_usage(self._usage, decode_upstream(bytes(message.usage), self.memo.provider))
        self._id, self._model = message.id, message.model
        return piece

    def _note(self, read: _Event, batch: Batch) -> None:
        batch.has_reading, batch.response_id, batch.model = True, self._id, self._model
        if read.type == "message_start":
            batch.usage = decode_usage(self._usage)
            return
        batch.content = True
        if read.type == "message_delta":
            if bytes(read.usage) not in (b"", b"null"):
                self._usage = joined_usage(self._usage, decode_upstream(bytes(read.usage), self.memo.provider))
                batch.usage = decode_usage(self._usage)
            if read.delta is not None and read.delta.stop_reason is not None:
                batch.reasons.append(decode_stop(read.delta.stop_reason))
        elif read.content_block is not None:
            if read.content_block.type in _COUNTED:
                batch.text.append((read.content_block.name or "") + (read.content_block.text or ""))
            else:  # what a tool of the server wrote is not the model's answer
                self._uncounted.add(read.index)
        elif read.delta is not None and read.index not in self._uncounted:
            batch.text.append((read.delta.text or "") + (read.delta.thinking or "") + (read.delta.partial_json or ""))
