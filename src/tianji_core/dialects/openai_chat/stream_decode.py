"""A streamed chat completion as a server sends it, decoded. Source: OpenAI's Python SDK, `ChatCompletionChunk`.

The stream is complete when `[DONE]` came, or when every choice that was seen has finished: some servers send no `[DONE]`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from tianji_core.calls.chat import (
    AnnotationsDelta,
    AudioDelta,
    ChatChunk,
    ChoiceDelta,
    Delta,
    ExtraDelta,
    ImagesDelta,
    RedactedThinkingDelta,
    Refusal,
    RefusalDelta,
    Role,
    SignatureDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCallStart,
)
from tianji_core.dialects.openai_chat.errors import stream_error
from tianji_core.dialects.openai_chat.finish import decode_finish
from tianji_core.dialects.openai_chat.memo import ProviderMemo
from tianji_core.dialects.openai_chat.parts import rest_of
from tianji_core.dialects.openai_chat.response import decode_content, usage_of
from tianji_core.dialects.openai_chat.think_tags import ThinkTags
from tianji_core.errors import InvalidRequestError, TianjiError, UpstreamProtocolError
from tianji_core.translation.cut_streams import cut_stream
from tianji_core.translation.derived_ids import derived_id
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_upstream
from tianji_core.wire.sse import SseDecoder


@dataclass(slots=True)
class ChatStreamDecoder:
    """Bytes in, chunks out. An error leaves after the chunks that came before it."""

    memo: ProviderMemo
    _sse: SseDecoder = field(default_factory=SseDecoder)
    _open: set[int] = field(default_factory=set)
    _finished: set[int] = field(default_factory=set)
    _calls: dict[int, list[str]] = field(default_factory=dict)
    _tags: dict[int, ThinkTags] = field(default_factory=dict)
    _last: ChatChunk | None = None
    _done: bool = False
    _failure: TianjiError | None = None

    def feed(self, data: bytes) -> list[ChatChunk]:
        """Return the chunks that these bytes complete.

        Raises:
            UpstreamError: the server reported one, or broke its protocol, before these bytes.
        """
        self._raise_failure()
        chunks: list[ChatChunk] = []
        try:
            for event in self._sse.feed(data):
                chunk = self._take(event.name, event.data)
                if chunk is not None:
                    self._last = chunk
                    chunks.append(chunk)
        except TianjiError as error:
            self._failure = error
            if not chunks:
                self._raise_failure()
        return chunks

    def close(self) -> list[ChatChunk]:
        """Check that the stream was complete; return the text that was held back, where a choice never said that it finished.

        Raises:
            UpstreamProtocolError: it ended before its final event.
        """
        self._raise_failure()
        if not self._done and (not self._open or self._open - self._finished):
            raise cut_stream(self.memo.provider)
        left = tuple(ChoiceDelta(index=index, deltas=held) for index in sorted(self._tags) if (held := self._held(index)))
        if not left or self._last is None:
            return []
        return [msgspec.structs.replace(self._last, choices=left, usage=None, rest=None)]

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _take(self, name: str, data: bytes) -> ChatChunk | None:
        if self._done:
            return None
        if data.strip() == b"[DONE]":
            self._done = True
            return None
        value = decode_upstream(data, self.memo.provider)
        if value.get("error") or name == "error":
            raise stream_error(value.get("error") or value, self.memo.provider)
        try:
            return self._chunk(Fields(value))
        except InvalidRequestError as error:
            raise UpstreamProtocolError(
                f"{self.memo.provider} streamed something that is not a chat completion chunk: {error.message}",
                provider=self.memo.provider,
            ) from None

    def _chunk(self, fields: Fields) -> ChatChunk:
        choices = tuple(self._choice(fields.inside(value, "choices", n)) for n, value in enumerate(fields.objects("choices")))
        facts = self.memo.facts
        usage = fields.mapping("usage") or _elsewhere(fields)
        decoded = usage_of(usage, fields.values, self.memo.quirks)
        fields.values.pop("object", None)
        return ChatChunk(
            id=fields.text("id") or derived_id("chatcmpl-", facts.call_id),
            created=fields.integer("created") or facts.created,
            model=fields.text("model") or self.memo.model,
            choices=choices,
            usage=decoded,
            rest=rest_of({**fields.values, **({"usage": usage} if usage and choices else {})}),
        )

    def _choice(self, choice: Fields) -> ChoiceDelta:
        index = choice.integer("index") or 0
        self._open.add(index)
        delta = choice.inside(choice.mapping("delta") or {}, "delta")
        role: Role | None = "assistant" if delta.text("role") else None
        deltas = tuple(self._deltas(delta, index))
        finish, native = decode_finish(choice.values.pop("finish_reason", None), calls_tools=bool(self._calls.get(index)))
        if finish is not None:
            self._finished.add(index)
            deltas += self._held(index)
        return ChoiceDelta(
            index=index,
            role=role,
            deltas=deltas,
            finish_reason=finish,
            native_finish_reason=native,
            logprobs=choice.mapping("logprobs"),
            rest=rest_of({**choice.values, **({"delta": delta.values} if rest_of(delta.values) else {})}),
        )

    def _deltas(self, delta: Fields, index: int) -> Iterator[Delta]:
        for thought in _thinking(delta, self.memo.quirks.reasoning_field):
            yield from self._held(index)  # a server that tells thinking apart prints none
            yield thought
        for part in decode_content(delta):
            if isinstance(part, Text):
                yield from self._text(part.text, index)
            elif isinstance(part, Thinking):
                yield ThinkingDelta(text=part.text)
            elif isinstance(part, Refusal):
                yield RefusalDelta(refusal=part.refusal)
        refusal = delta.text("refusal")
        if refusal:
            yield RefusalDelta(refusal=refusal)
        for position, call in enumerate(delta.objects("tool_calls")):
            yield from self._held(index)
            yield from self._tool_call(delta.inside(call, "tool_calls", position), index, position)
        legacy = delta.mapping("function_call")
        if legacy:
            yield from self._tool_call(Fields({"index": 0, "function": legacy}, delta.at("function_call")), index, 0)
        annotations = delta.objects("annotations")
        if annotations:
            yield AnnotationsDelta(annotations=tuple(annotations))
        audio = delta.mapping("audio")
        if audio:
            yield AudioDelta(audio=audio)
        images = delta.objects("images")
        if images:
            yield ImagesDelta(images=tuple(images))
        extra = delta.mapping("provider_specific_fields")
        if extra:
            yield ExtraDelta(fields=extra)

    def _text(self, text: str, index: int) -> Iterator[Delta]:
        if not self.memo.quirks.think_tags:
            yield TextDelta(text=text)
            return
        yield from self._tags.setdefault(index, ThinkTags()).feed(text)

    def _held(self, index: int) -> tuple[Delta, ...]:
        """Return the text that was held back since it might have become a tag; from here on nothing is."""
        return tuple(self._tags.setdefault(index, ThinkTags()).close()) if self.memo.quirks.think_tags else ()

    def _tool_call(self, call: Fields, index: int, position: int) -> Iterator[Delta]:
        known = self._calls.setdefault(index, [])
        given = call.text("id")
        number = call.integer("index")
        if number is None:  # some servers send whole calls without an index
            number = len(known) if given and given not in known else max(len(known) - 1, position)
        custom = call.mapping("custom")
        inner = call.inside(custom or call.mapping("function") or {}, "custom" if custom else "function")
        call.values.pop("type", None)
        name, arguments = inner.text("name"), inner.text("input" if custom else "arguments")
        if number >= len(known):
            number = len(known)
            call_id = given or derived_id("call_", self.memo.facts.call_id, index, number)
            known.append(call_id)
            kind: Literal["function", "custom"] = "custom" if custom else "function"
            known_as = self.memo.names.get(name or "", name or "")
            yield ToolCallStart(index=number, id=call_id, name=known_as, kind=kind, rest=rest_of(call.values))
        if arguments:
            yield ToolArgumentsDelta(index=number, arguments=arguments)


def _thinking(delta: Fields, field: str) -> Iterator[Delta]:
    blocks = delta.objects("thinking_blocks")
    shown = delta.text(field)
    plain = delta.text("reasoning_content") if field != "reasoning_content" else None
    text = shown or plain
    if shown and field != "reasoning_content":
        delta.values[field] = shown  # the vendor's own clients read it there
    if not blocks and text:
        yield ThinkingDelta(text=text)
    for block in blocks:
        if block.get("type") == "redacted_thinking":
            yield RedactedThinkingDelta(data=str(block.get("data", "")))
            continue
        if block.get("thinking"):
            yield ThinkingDelta(text=str(block["thinking"]))
        if block.get("signature"):
            yield SignatureDelta(signature=str(block["signature"]))


def _elsewhere(fields: Fields) -> dict[str, object] | None:
    """Usage in other places: Groq's `x_groq`; Moonshot's first choice leaves it in the choice's rest."""
    groq = fields.values.get("x_groq")
    usage = groq.get("usage") if isinstance(groq, dict) else None
    return usage if isinstance(usage, dict) else None
