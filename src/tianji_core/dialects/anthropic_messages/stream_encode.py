"""A streamed answer for a client of Anthropic's SDKs, encoded. Source: Anthropic's Python SDK, `RawMessageStreamEvent`; its streaming page.

One content block is open at a time. A delta that belongs to another block closes it and opens the next; the end of the answer is held
until everything is known, so that the usage in it is right.
"""

from dataclasses import dataclass, field

from tianji_core.calls.chat import (
    AnnotationsDelta,
    AudioDelta,
    ChatChunk,
    ChoiceDelta,
    CitationDelta,
    Delta,
    ExtraDelta,
    ImagesDelta,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCallStart,
)
from tianji_core.calls.usage import Usage
from tianji_core.dialects.anthropic_messages.memo import SurfaceMemo
from tianji_core.dialects.anthropic_messages.parts import DIALECT, with_rest
from tianji_core.dialects.anthropic_messages.response_encode import filled, message_id
from tianji_core.dialects.anthropic_messages.stops import encode_stop, is_own_word
from tianji_core.dialects.anthropic_messages.stream_writer import BlockWriter, event
from tianji_core.dialects.anthropic_messages.usage import encode_usage
from tianji_core.envelopes import anthropic_object
from tianji_core.errors import TianjiError
from tianji_core.shapes.codecs import Event

_PING: dict[str, object] = {"type": "ping"}


@dataclass(slots=True)
class MessagesStreamEncoder:
    """Chunks in, events out. `message_delta` and `message_stop` come with `close()`."""

    memo: SurfaceMemo
    _writer: BlockWriter = field(default_factory=BlockWriter)
    _started: bool = False
    _usage: Usage | None = None
    _end: ChoiceDelta | None = None
    _outer: dict[str, object] = field(default_factory=dict)
    _extra: dict[str, object] = field(default_factory=dict)
    _cited: bool = False

    def feed(self, chunk: ChatChunk) -> list[Event]:
        """Return the events of one chunk; only the first choice has a place."""
        if chunk.usage is not None:
            self._usage = chunk.usage if self._usage is None else self._usage.replaced_by(chunk.usage)
        events = [] if self._started else self._start(chunk)
        self._keep_rest(chunk, is_start=bool(events))
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            for delta in choice.deltas:
                events += self._delta(delta, choice)
            if choice.finish_reason is not None:
                self._end = choice
        return events

    def close(self) -> list[Event]:
        """Return the end: the open block's stop, the stop reason with the whole usage, and the terminator."""
        events = [] if self._started else self._start(ChatChunk(id="", created=0, model=self.memo.model))
        end = self._end or ChoiceDelta()
        events += self._writer.finish(needs_block=not is_own_word(end.native_finish_reason))
        delta: dict[str, object] = {
            "stop_reason": encode_stop(end.finish_reason, end.native_finish_reason),
            "stop_sequence": end.stop_sequence,
        }
        left = self._outer.pop("delta", None)
        delta.update(left if isinstance(left, dict) else {})
        if self._extra:
            delta["provider_specific_fields"] = self._extra
        usage = encode_usage(self._usage)
        last = {"type": "message_delta", "delta": with_rest(delta, end.rest), "usage": usage, **self._outer}
        return [*events, event(last), event({"type": "message_stop"})]

    def error(self, error: TianjiError, request_id: str) -> list[Event]:
        """Return the one event of an error; the SDKs raise on it."""
        return [event(anthropic_object(error, request_id))]

    def keep_alive(self) -> bytes:
        """Return a ping, which every client ignores."""
        return event(_PING).data

    def _start(self, chunk: ChatChunk) -> list[Event]:
        self._started = True
        message: dict[str, object] = {
            "id": message_id(chunk.id),
            "type": "message",
            "role": "assistant",
            "model": self.memo.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": encode_usage(chunk.usage),
        }
        start = {"type": "message_start", "message": with_rest(message, chunk.rest)}
        return [event(start, content=False), event(_PING, content=False)]

    def _keep_rest(self, chunk: ChatChunk, *, is_start: bool) -> None:
        """Keep for the end what stands outside the choices; that of our own first chunk is in `message_start` already."""
        if chunk.rest is None:
            return
        if chunk.rest.dialect != DIALECT:
            self._extra.update(filled(chunk.rest.fields))
        elif not is_start:
            self._outer.update(chunk.rest.fields)

    def _delta(self, delta: Delta, choice: ChoiceDelta) -> list[Event]:
        writer = self._writer
        match delta:
            case TextDelta():
                return writer.text(delta.text, delta.block)
            case ThinkingDelta():
                return writer.thinking(delta.text, delta.block)
            case SignatureDelta():
                return writer.signature(delta.signature, delta.block)
            case RedactedThinkingDelta():
                return writer.redacted(delta.data)
            case CitationDelta():
                self._cited = True
                self._extra.pop("annotations", None)
                return writer.citation(delta.citation, delta.block)
            case ToolCallStart():
                return writer.tool(delta)
            case ToolArgumentsDelta():
                return writer.arguments(delta.index, delta.arguments)
            case OpaqueDelta():
                return writer.opaque(delta.value) if delta.dialect == DIALECT else []
            case RefusalDelta():  # Anthropic's own stands in `stop_details`
                return [] if is_own_word(choice.native_finish_reason) else writer.text(delta.refusal, 0)
            case _:
                self._keep_extra(delta)
                return []

    def _keep_extra(self, delta: AnnotationsDelta | AudioDelta | ImagesDelta | ExtraDelta) -> None:
        """Keep what this dialect has no event for; it goes with the end."""
        match delta:
            case AnnotationsDelta():
                if not self._cited:
                    self._append("annotations", delta.annotations)
            case ImagesDelta():
                self._append("images", delta.images)
            case AudioDelta():
                self._append("audio", (delta.audio,))
            case ExtraDelta():
                self._extra.update(delta.fields)

    def _append(self, name: str, items: tuple[object, ...]) -> None:
        known = self._extra.get(name)
        self._extra[name] = [*(known if isinstance(known, list) else []), *items]
