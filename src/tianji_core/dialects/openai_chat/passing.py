"""A chat completion that goes to a client of this dialect as the server sent it.

Fields of the type None have no narrow reading: an answer that holds one goes the canonical way.
"""

from dataclasses import dataclass, field

import msgspec

from tianji_core.calls.http import HttpResponse
from tianji_core.calls.usage import Usage
from tianji_core.dialects.openai_chat.finish import decode_finish
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.response import usage_of
from tianji_core.translation.cut_streams import cut_stream
from tianji_core.translation.passing import NOT_NARROW, Batch, PassingStream, is_given, with_fields, with_model
from tianji_core.translation.path import RelayEvent, StreamPath
from tianji_core.translation.reading import Reading
from tianji_core.wire.json import decode_upstream


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, gc=False):
    function: _Function
    id: str | None = None
    index: int | None = None


class _Words(msgspec.Struct, gc=False):
    """A message, or a piece of one."""

    content: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    audio: None = None
    images: None = None
    function_call: None = None
    thinking_blocks: None = None

    @property
    def text(self) -> str:
        text = (self.reasoning_content or "") + (self.content or "") + (self.refusal or "")
        for call in self.tool_calls or ():
            text += (call.function.name or "") + (call.function.arguments or "")
        return text


class _ChunkChoice(msgspec.Struct, gc=False):
    delta: _Words
    index: int = 0
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, gc=False):
    id: str
    model: str
    created: int
    choices: list[_ChunkChoice]
    usage: msgspec.Raw = msgspec.Raw()
    error: None = None
    service_tier: str | None = None


class _Choice(msgspec.Struct, gc=False):
    message: _Words
    finish_reason: str


class _Answer(msgspec.Struct, gc=False):
    id: str
    model: str
    created: int
    choices: list[_Choice]
    usage: msgspec.Raw
    error: None = None
    service_tier: str | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_ANSWER = msgspec.json.Decoder(_Answer)


class PassingChat(msgspec.Struct, frozen=True):
    """One answer that may pass."""

    memo: ProviderMemo
    shown: SurfaceMemo

    def stream(self, canonical: StreamPath) -> StreamPath:
        """Return the path of a stream."""
        return PassingStream(_ChunkReader(self.memo, self.shown), canonical)

    def whole(self, response: HttpResponse) -> RelayEvent | None:
        """Return a whole answer; None where something in it has no narrow reading, or the canonical path would add to it."""
        try:
            answer = _ANSWER.decode(response.body)
            if not answer.id or not answer.choices or not is_given(answer.usage):
                return None
            if self.memo.quirks.think_tags and any(_may_be_tag(choice.message.content) for choice in answer.choices):
                return None
            reasons = [_whole_reason(choice) for choice in answer.choices]
            usage = _usage(answer.usage, answer.service_tier, self.memo)
            data = with_model(response.body, answer.model, self.shown.model)
        except NOT_NARROW:
            return None
        reading = Reading(response_id=answer.id, model=answer.model, usage=usage, finish_reasons=tuple(reasons))
        return RelayEvent(data=data, reading=reading)


def passing(memo: ProviderMemo, shown: SurfaceMemo) -> PassingChat | None:
    """Return the way of an answer that nothing has to be changed in but its top level; None for every other."""
    quirks = memo.quirks
    changes = quirks.reasoning_outside or quirks.reasoning_field != "reasoning_content"
    return None if changes or memo.names or shown.legacy_functions else PassingChat(memo, shown)


@dataclass(slots=True)
class _ChunkReader:
    memo: ProviderMemo
    shown: SurfaceMemo
    _open: set[int] = field(default_factory=set)
    _finished: set[int] = field(default_factory=set)
    _calling: set[int] = field(default_factory=set)
    _speaking: set[int] = field(default_factory=set)
    _terminator: bytes = b""

    @property
    def is_done(self) -> bool:
        return bool(self._terminator)

    def take(self, event: bytes, data: bytes, batch: Batch) -> bool:
        """Add one chunk, or the terminator."""
        if data == b"[DONE]":
            self._terminator = event
            return True
        try:
            chunk = _CHUNK.decode(data)
            if not chunk.id or not all(self._is_known(choice) for choice in chunk.choices):
                return False
            usage = _usage(chunk.usage, chunk.service_tier, self.memo) if is_given(chunk.usage) else None
            piece = self._piece(event, data, chunk)
        except NOT_NARROW:
            return False
        for choice in chunk.choices:
            self._note(choice, batch)
        batch.has_reading, batch.response_id, batch.model = True, chunk.id, chunk.model
        if usage is not None:
            batch.usage = usage
        if piece:
            batch.pieces.append(piece)
        return True

    def close(self) -> bytes:
        """Return the terminator; some servers send none, and then every choice must have finished."""
        if not self._terminator and (not self._open or self._open - self._finished):
            raise cut_stream(self.memo.provider)
        return self._terminator or b"data: [DONE]\n\n"

    def _piece(self, event: bytes, data: bytes, chunk: _Chunk) -> bytes:
        """Return what the caller gets: usage that it did not ask for is not its business."""
        if self.shown.include_usage or not is_given(chunk.usage):
            return with_model(event, chunk.model, self.shown.model)
        if not chunk.choices:
            return b""
        return b"data: " + with_fields(data, {"model": self.shown.model}, without=("usage",)) + b"\n\n"

    def _is_known(self, choice: _ChunkChoice) -> bool:
        """Whether every call in it has its id or goes on, its end is a word that needs no translation, and no tag begins its text."""
        if self.memo.quirks.think_tags and choice.index not in self._speaking and _may_be_tag(choice.delta.content):
            return False
        calls = choice.delta.tool_calls
        if calls and not all(call.index is not None and (call.id or not call.function.name) for call in calls):
            return False
        if choice.finish_reason is None:
            return True
        reason, native = decode_finish(choice.finish_reason, calls_tools=bool(calls) or choice.index in self._calling)
        return reason is not None and native is None

    def _note(self, choice: _ChunkChoice, batch: Batch) -> None:
        self._open.add(choice.index)
        text = choice.delta.text
        if text:
            batch.text.append(text)
            batch.content = True
            if not text.isspace():
                self._speaking.add(choice.index)
        if choice.delta.tool_calls:
            self._calling.add(choice.index)
            batch.content = True
        if choice.finish_reason is not None:
            self._finished.add(choice.index)
            batch.reasons.append(choice.finish_reason)
            batch.content = True


def _may_be_tag(text: str | None) -> bool:
    """Whether a text begins like the tag between which some models print their thinking."""
    return text is not None and text.lstrip().startswith("<")


def _whole_reason(choice: _Choice) -> str:
    calls = choice.message.tool_calls
    reason, native = decode_finish(choice.finish_reason, calls_tools=bool(calls))
    if reason is None or native is not None or not all(call.id and call.function.name for call in calls or ()):
        raise ValueError("the canonical path would change this choice")
    return reason


def _usage(raw: msgspec.Raw, tier: str | None, memo: ProviderMemo) -> Usage | None:
    return usage_of(decode_upstream(bytes(raw), memo.provider), {"service_tier": tier}, memo.quirks)
