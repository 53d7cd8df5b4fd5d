"""A streamed answer of Anthropic, decoded. Source: Anthropic's Python SDK, `RawMessageStreamEvent`; its page on streaming.

The stream is complete when `message_stop` came; there is no `[DONE]`. Pings and unknown events mean nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tianji_core.calls.chat import ChatChunk, ChoiceDelta, Delta, RefusalDelta, Rest, TextDelta
from tianji_core.dialects.anthropic_messages.errors import stream_error
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo
from tianji_core.dialects.anthropic_messages.parts import rest_of
from tianji_core.dialects.anthropic_messages.response import choice_rest, refusal_text
from tianji_core.dialects.anthropic_messages.stops import decode_stop
from tianji_core.dialects.anthropic_messages.stream_blocks import (
    Block,
    JsonToolBlock,
    OpaqueBlock,
    RedactedBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
)
from tianji_core.dialects.anthropic_messages.usage import decode_usage, joined_usage
from tianji_core.errors import InvalidRequestError, TianjiError, UpstreamProtocolError
from tianji_core.translation.cut_streams import cut_stream
from tianji_core.translation.derived_ids import derived_id
from tianji_core.translation.structured_output import JSON_TOOL
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_upstream
from tianji_core.wire.sse import SseDecoder


@dataclass(slots=True)
class MessagesStreamDecoder:
    """Bytes in, chunks out. An error leaves after the chunks that came before it."""

    memo: ProviderMemo
    _sse: SseDecoder = field(default_factory=SseDecoder)
    _id: str = ""
    _model: str = ""
    _usage: dict[str, object] = field(default_factory=dict)
    _blocks: dict[int, Block] = field(default_factory=dict)
    _calls: int = 0
    _emulated: bool = False
    _text_length: int = 0
    _done: bool = False
    _failure: TianjiError | None = None

    def feed(self, data: bytes) -> list[ChatChunk]:
        """Return the chunks that these bytes complete.

        Raises:
            TianjiError: the server reported one, or broke its protocol, before these bytes.
        """
        self._raise_failure()
        chunks: list[ChatChunk] = []
        try:
            for event in self._sse.feed(data):
                chunk = self._take(event.data)
                if chunk is not None:
                    chunks.append(chunk)
        except TianjiError as error:
            self._failure = error
            if not chunks:
                self._raise_failure()
        return chunks

    def close(self) -> list[ChatChunk]:
        """Check that the stream was complete.

        Raises:
            UpstreamProtocolError: it ended before its final event.
        """
        self._raise_failure()
        if not self._done:
            raise cut_stream(self.memo.provider)
        return []

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _take(self, data: bytes) -> ChatChunk | None:
        if self._done or data.strip() == b"[DONE]":  # which some servers add for OpenAI's clients
            return None
        value = decode_upstream(data, self.memo.provider)
        if value.get("type") == "error" or (value.get("error") and "type" not in value):
            raise stream_error(value, self.memo.provider)
        try:
            return self._event(Fields(value, index="{}"))
        except InvalidRequestError as error:
            raise UpstreamProtocolError(
                f"{self.memo.provider} streamed something that is not an event of a message: {error.message}",
                provider=self.memo.provider,
            ) from None

    def _event(self, fields: Fields) -> ChatChunk | None:
        match fields.text("type"):
            case "message_start":
                return self._start(fields)
            case "content_block_start":
                return self._content(self._open(fields))
            case "content_block_delta":
                block = self._block(fields)
                delta = fields.inside(fields.mapping("delta") or {}, "delta")
                return self._content(block.delta(delta)) if block is not None else None
            case "content_block_stop":
                number = fields.integer("index")
                stopped = self._blocks.pop(number, None) if number is not None else None
                return self._content(stopped.stop()) if stopped is not None else None
            case "message_delta":
                return self._end(fields)
            case "message_stop":
                self._done = True
        return None

    def _start(self, fields: Fields) -> ChatChunk:
        message = fields.inside(fields.mapping("message") or {}, "message")
        self._id, self._model = message.text("id") or "", message.text("model") or ""
        self._usage = joined_usage(self._usage, message.mapping("usage") or {})
        for name in ("type", "role", "content"):
            message.values.pop(name, None)
        return self._chunk(ChoiceDelta(role="assistant"), has_usage=bool(self._usage), rest=rest_of(message.values))

    def _block(self, fields: Fields) -> Block | None:
        number = fields.integer("index")
        return self._blocks.get(number) if number is not None else None

    def _open(self, fields: Fields) -> Iterator[Delta]:
        number = fields.integer("index")
        fields.required("index", number)
        value = fields.mapping("content_block")
        fields.required("content_block", value)
        content = fields.inside(value or {}, "content_block")
        block, deltas = self._new_block(number or 0, content, dict(value or {}))
        self._blocks[number or 0] = block
        return deltas

    def _new_block(self, number: int, content: Fields, value: dict[str, object]) -> tuple[Block, Iterator[Delta]]:
        match content.text("type"):
            case "text":
                text = TextBlock(number, self._text_length)
                return text, text.start(content)
            case "thinking":
                thinking = ThinkingBlock(number)
                return thinking, thinking.start(content)
            case "redacted_thinking":
                redacted = RedactedBlock(number)
                return redacted, redacted.start(content)
            case "tool_use":
                name = content.required_text("name")
                if self.memo.json_tool and name == JSON_TOOL:
                    self._emulated = True
                    return JsonToolBlock(number), iter(())
                tool = ToolBlock(self._calls)
                self._calls += 1
                return tool, tool.start(content, self.memo.names.get(name, name))
            case _:
                return OpaqueBlock(number, value), iter(())

    def _content(self, deltas: Iterator[Delta]) -> ChatChunk | None:
        given = tuple(deltas)
        self._text_length += sum(len(delta.text) for delta in given if isinstance(delta, TextDelta))
        return self._chunk(ChoiceDelta(deltas=given)) if given else None

    def _end(self, fields: Fields) -> ChatChunk:
        usage = fields.mapping("usage")
        self._usage = joined_usage(self._usage, usage or {})
        delta = fields.inside(fields.mapping("delta") or {}, "delta")
        word, sequence = delta.text("stop_reason"), delta.text("stop_sequence")
        details = delta.mapping("stop_details")
        refusal = tuple(RefusalDelta(refusal=part.refusal) for part in refusal_text(word, details))
        reason = decode_stop(word) if word is not None else None
        if self._emulated and reason == "tool_calls" and not self._calls:
            reason = "stop"
        choice = ChoiceDelta(
            deltas=refusal,
            finish_reason=reason,
            native_finish_reason=word,
            stop_sequence=sequence,
            rest=choice_rest(word, details),
        )
        return self._chunk(
            choice,
            has_usage=usage is not None,
            rest=rest_of({**fields.values, **({"delta": delta.values} if rest_of(delta.values) else {})}),
        )

    def _chunk(self, choice: ChoiceDelta, *, has_usage: bool = False, rest: Rest | None = None) -> ChatChunk:
        facts = self.memo.facts
        return ChatChunk(
            id=self._id or derived_id("msg_", facts.call_id),
            created=facts.created,
            model=self._model or self.memo.model,
            choices=(choice,),
            usage=decode_usage(self._usage) if has_usage else None,
            rest=rest,
        )
