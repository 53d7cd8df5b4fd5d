"""A streamed chat completion for a client, encoded. Source: OpenAI's Python SDK, `ChatCompletionChunk`."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.calls.chat import (
    AnnotationsDelta,
    AudioDelta,
    ChatChunk,
    ChoiceDelta,
    CitationDelta,
    Delta,
    ExtraDelta,
    ImagesDelta,
    Json,
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
from tianji_core.dialects.openai_chat.memo import SurfaceMemo
from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.dialects.openai_chat.response import finish_word
from tianji_core.dialects.openai_chat.usage import encode_usage
from tianji_core.envelopes import openai_object
from tianji_core.errors import TianjiError
from tianji_core.shapes.codecs import Event
from tianji_core.wire.json import encode
from tianji_core.wire.sse import encode_event

_DONE = Event(data=b"data: [DONE]\n\n")


@dataclass(slots=True)
class ChatStreamEncoder:
    """Chunks in, events out. The usage chunk and `[DONE]` come with `close()`."""

    memo: SurfaceMemo
    _head: tuple[str, int] | None = None
    _usage: Usage | None = None

    def feed(self, chunk: ChatChunk) -> list[Event]:
        """Return the events of one chunk; one that carries usage alone is kept for the end."""
        self._head = (chunk.id, chunk.created)
        if chunk.usage is not None:
            self._usage = chunk.usage if self._usage is None else self._usage.replaced_by(chunk.usage)
        if not chunk.choices:
            return []
        value = self._chunk([_encode_choice(choice, self.memo) for choice in chunk.choices])
        if self.memo.include_usage:
            value["usage"] = None
        if chunk.rest is not None:
            value.update(chunk.rest.of(DIALECT))
        return [Event(data=encode_event(encode(value)), content=any(_has_content(choice) for choice in chunk.choices))]

    def close(self) -> list[Event]:
        """Return the usage chunk, if the client asked for it, and the terminator."""
        if not self.memo.include_usage or self._usage is None:
            return [_DONE]
        value = {**self._chunk([]), "usage": encode_usage(self._usage)}
        return [Event(data=encode_event(encode(value))), _DONE]

    def error(self, error: TianjiError, request_id: str) -> list[Event]:
        """Return the one event of an error; the SDKs raise on it."""
        return [Event(data=encode_event(encode({"error": {**openai_object(error), "request_id": request_id}})))]

    def keep_alive(self) -> bytes:
        """Return a comment, which every client ignores."""
        return b": keep-alive\n\n"

    def _chunk(self, choices: Sequence[Json]) -> dict[str, object]:
        identity, created = self._head or ("", 0)
        return {"id": identity, "object": "chat.completion.chunk", "created": created, "model": self.memo.model, "choices": choices}


def _has_content(choice: ChoiceDelta) -> bool:
    return choice.finish_reason is not None or any(not isinstance(delta, TextDelta) or delta.text for delta in choice.deltas)


def _encode_choice(choice: ChoiceDelta, memo: SurfaceMemo) -> Json:
    delta: dict[str, object] = {}
    if choice.role is not None:
        delta["role"] = choice.role
        delta["content"] = ""
    for part in choice.deltas:
        _merge(delta, _encode_delta(part), legacy=memo.legacy_functions)
    if any(isinstance(part, ToolCallStart) for part in choice.deltas) and delta.get("content") == "":
        delta["content"] = None
    _add_extra(delta, choice)
    value: dict[str, object] = {
        "index": choice.index,
        "delta": delta,
        "logprobs": choice.logprobs,
        "finish_reason": finish_word(choice.finish_reason, choice.native_finish_reason, memo),
    }
    for name, left in (choice.rest.of(DIALECT) if choice.rest else {}).items():
        if name == "delta" and isinstance(left, dict):
            delta.update(left)
        else:
            value[name] = left
    return value


def _add_extra(delta: dict[str, object], choice: ChoiceDelta) -> None:
    extra: dict[str, object] = {}
    if choice.native_finish_reason is not None and choice.finish_reason is not None:
        extra["stop_reason"] = choice.native_finish_reason
    if choice.stop_sequence is not None:
        extra["stop_sequence"] = choice.stop_sequence
    if extra:
        _merge(delta, {"provider_specific_fields": extra})


def _encode_delta(delta: Delta) -> Json:
    match delta:
        case TextDelta():
            return {"content": delta.text}
        case RefusalDelta():
            return {"refusal": delta.refusal}
        case ThinkingDelta():
            block = {"type": "thinking", "thinking": delta.text}
            return {"reasoning_content": delta.text, "thinking_blocks": [block]}
        case SignatureDelta():
            return {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": delta.signature}]}
        case RedactedThinkingDelta():
            return {"thinking_blocks": [{"type": "redacted_thinking", "data": delta.data}]}
        case ToolCallStart():
            return {"tool_calls": [_tool_start(delta)]}
        case ToolArgumentsDelta():
            return {"tool_calls": [{"index": delta.index, "function": {"arguments": delta.arguments}}]}
        case CitationDelta():
            return {"provider_specific_fields": {"citation": delta.citation}}
        case AnnotationsDelta():
            return {"annotations": list(delta.annotations)}
        case AudioDelta():
            return {"audio": delta.audio}
        case ImagesDelta():
            return {"images": list(delta.images)}
        case OpaqueDelta():
            return {} if delta.dialect == DIALECT else {"provider_specific_fields": {"block": delta.value}}
        case ExtraDelta():
            return {"provider_specific_fields": delta.fields}


def _tool_start(start: ToolCallStart) -> Json:
    rest = start.rest.of(DIALECT) if start.rest is not None else {}
    call: Json = (
        {"type": "custom", "custom": {"name": start.name, "input": ""}}
        if start.kind == "custom"
        else {"type": "function", "function": {"name": start.name, "arguments": ""}}
    )
    return {"index": start.index, "id": start.id, **call, **rest}


def _merge(into: dict[str, object], more: Json, *, legacy: bool = False) -> None:
    """Add the fields of one delta to those of the same chunk: texts and lists grow, objects are joined."""
    if legacy and "tool_calls" in more:
        calls = more["tool_calls"]
        first = calls[0] if isinstance(calls, list) else {}
        more = {"function_call": dict(first.get("function", {}))}
    for name, value in more.items():
        known = into.get(name)
        if isinstance(known, str) and isinstance(value, str):
            into[name] = known + value
        elif isinstance(known, list) and isinstance(value, list):
            into[name] = _join_calls(known, value) if name == "tool_calls" else [*known, *value]
        elif isinstance(known, dict) and isinstance(value, dict):
            into[name] = {**known, **value}
        else:
            into[name] = value


def _join_calls(known: list[dict[str, object]], more: list[dict[str, object]]) -> list[dict[str, object]]:
    """Join a start and its first arguments, which some servers send in one delta."""
    joined = list(known)
    for call in more:
        last = joined[-1] if joined else {}
        inner, addition = last.get("function"), call.get("function")
        if last.get("index") == call.get("index") and isinstance(inner, dict) and isinstance(addition, dict):
            text = str(inner.get("arguments", "")) + str(addition.get("arguments", ""))
            joined[-1] = {**last, "function": {**inner, "arguments": text}}
        else:
            joined.append(call)
    return joined
