"""A whole chat completion, both directions. Source: OpenAI's Python SDK, `ChatCompletion`."""

from collections.abc import Iterator, Sequence

import msgspec

from tianji_core.calls.chat import (
    ChatResponse,
    Choice,
    Json,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
)
from tianji_core.calls.usage import Usage
from tianji_core.dialects.openai_chat.errors import stream_error
from tianji_core.dialects.openai_chat.finish import decode_finish
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.messages import decode_thinking, decode_tool_call, encode_tool_call, thinking_blocks
from tianji_core.dialects.openai_chat.parts import DIALECT, rest_of
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.think_tags import ThinkTags
from tianji_core.dialects.openai_chat.usage import decode_usage, encode_usage
from tianji_core.errors import InvalidRequestError, UpstreamProtocolError
from tianji_core.translation.derived_ids import derived_id
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_upstream, encode

_FINISH_WORDS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})


def decode_response(body: bytes, memo: ProviderMemo) -> ChatResponse:
    """Return the canonical answer.

    Raises:
        UpstreamError: the body is an error inside a 200, or not a chat completion.
    """
    value = decode_upstream(body, memo.provider)
    if value.get("error"):
        raise stream_error(value["error"], memo.provider)
    fields = Fields(value)
    try:
        return _decode(fields, memo)
    except InvalidRequestError as error:  # the same checks, but here the provider is to blame
        raise UpstreamProtocolError(
            f"{memo.provider} answered something that is not a chat completion: {error.message}", provider=memo.provider
        ) from None


def _decode(fields: Fields, memo: ProviderMemo) -> ChatResponse:
    if fields.values.get("choices") is None:
        fields.required("choices", None)
    choices = tuple(
        _decode_choice(fields.inside(choice, "choices", position), memo) for position, choice in enumerate(fields.objects("choices"))
    )
    fields.values.pop("object", None)
    usage = fields.mapping("usage")
    return ChatResponse(
        id=fields.text("id") or derived_id("chatcmpl-", memo.facts.call_id),
        created=fields.integer("created") or memo.facts.created,
        model=fields.text("model") or memo.model,
        choices=choices,
        usage=usage_of(usage, fields.values, memo.quirks),
        rest=rest_of(fields.values),
    )


def usage_of(usage: Json | None, outer: Json, quirks: Quirks) -> Usage | None:
    """Return the usage with the service tier that stands beside it."""
    if usage is None:
        return None
    tier = outer.get("service_tier")
    return decode_usage(usage, reasoning_outside=quirks.reasoning_outside, service_tier=tier if isinstance(tier, str) else None)


def _decode_choice(choice: Fields, memo: ProviderMemo) -> Choice:
    index = choice.integer("index") or 0
    value = choice.mapping("message")
    choice.required("message", value)
    message = _decode_message(choice.inside(value or {}, "message"), memo, index)
    finish, native = decode_finish(choice.values.pop("finish_reason", None), calls_tools=bool(message.tool_calls))
    return Choice(
        index=index,
        message=message,
        finish_reason=finish or ("tool_calls" if message.tool_calls else "stop"),
        native_finish_reason=native,
        logprobs=choice.mapping("logprobs"),
        rest=rest_of(choice.values),
    )


def _decode_message(fields: Fields, memo: ProviderMemo, index: int) -> Message:
    fields.values.pop("role", None)
    shown = fields.values.get(memo.quirks.reasoning_field)
    parts: list[Part] = decode_thinking(fields, memo.quirks.reasoning_field)
    if memo.quirks.reasoning_field != "reasoning_content" and isinstance(shown, str):
        fields.values[memo.quirks.reasoning_field] = shown  # the vendor's own clients read it there
    if memo.quirks.reasoning_field != "reasoning_content" and not parts:
        parts = decode_thinking(fields)
    content = decode_content(fields)
    parts += _untagged(content) if memo.quirks.think_tags and not parts else content
    refusal = fields.text("refusal") if fields.values.get("refusal") else None
    if refusal:
        parts.append(Refusal(refusal=refusal))
    for position, call in enumerate(_filled(fields, "tool_calls")):
        fallback = derived_id("call_", memo.facts.call_id, index, position)
        parts.append(_as_caller_knows(decode_tool_call(fields.inside(call, "tool_calls", position), fallback), memo))
    legacy = fields.mapping("function_call")
    if legacy is not None and legacy.get("name"):
        call = {"id": derived_id("call_", memo.facts.call_id, index, 0), "function": legacy}
        parts.append(_as_caller_knows(decode_tool_call(Fields(call, fields.at("function_call"))), memo))
    return Message(
        role="assistant",
        parts=tuple(parts),
        plain=True,
        audio=fields.mapping("audio"),
        annotations=tuple(_filled(fields, "annotations")),
        images=tuple(_filled(fields, "images")),
        extra=fields.mapping("provider_specific_fields") or {},
        rest=rest_of(fields.values),
    )


def _as_caller_knows(call: ToolCall, memo: ProviderMemo) -> ToolCall:
    return msgspec.structs.replace(call, name=memo.names[call.name]) if call.name in memo.names else call


def _untagged(content: Sequence[Part]) -> Iterator[Part]:
    """Yield an answer's content with the thinking that stands between tags at its start taken out."""
    tags = ThinkTags()
    for part in content:
        if not isinstance(part, Text):
            yield part
            continue
        pieces = [*tags.feed(part.text), *tags.close()]
        thought = "".join(piece.text for piece in pieces if not isinstance(piece, TextDelta))
        answer = "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))
        if thought:
            yield Thinking(text=thought)
        if answer:
            yield Text(text=answer)


def _filled(fields: Fields, name: str) -> list[dict[str, object]]:
    """Take a list that has something in it; an empty one stays in the rest."""
    return fields.objects(name) if fields.values.get(name) else []


def decode_content(fields: Fields) -> list[Part]:
    """Take an answer's content: a string, or a list of text and thinking (Mistral, Databricks)."""
    value = fields.values.get("content")
    if value is None or value == "":  # stays in the rest: the same dialect tells them apart
        return []
    if isinstance(value, str):
        return [Text(text=fields.text("content") or "")]
    if not isinstance(value, list):
        raise fields.wrong_type("content", "a string or an array", value)
    return [_content_part(part) for part in fields.objects("content")]


def _content_part(part: dict[str, object]) -> Part:
    kind, text, thinking = part.get("type"), part.get("text"), part.get("thinking")
    if kind == "text" and isinstance(text, str):
        return Text(text=text)
    if kind == "thinking" and isinstance(thinking, list):
        return Thinking(text="".join(str(item.get("text", "")) for item in thinking if isinstance(item, dict)))
    if kind == "refusal" and isinstance(part.get("refusal"), str):
        return Refusal(refusal=str(part["refusal"]))
    return Opaque(dialect=DIALECT, value=part)


# --- to the wire --------------------------------------------------------------------------------------------------------


def encode_response(response: ChatResponse, memo: SurfaceMemo) -> bytes:
    """Return the bytes of an answer; `model` is the name that the caller used."""
    value: dict[str, object] = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created,
        "model": memo.model,
        "choices": [_encode_choice(choice, memo) for choice in response.choices],
    }
    if response.usage is not None:
        value["usage"] = encode_usage(response.usage)
        if response.usage.service_tier is not None:
            value["service_tier"] = response.usage.service_tier
    if response.rest is not None:
        value.update(response.rest.of(DIALECT))
        if response.rest.dialect != DIALECT and response.rest.fields:
            value["provider_specific_fields"] = response.rest.fields
    return encode(value)


def _encode_choice(choice: Choice, memo: SurfaceMemo) -> Json:
    value: dict[str, object] = {
        "index": choice.index,
        "message": _encode_message(choice, memo),
        "logprobs": choice.logprobs,
        "finish_reason": finish_word(choice.finish_reason, choice.native_finish_reason, memo),
    }
    if choice.rest is not None:
        value.update(choice.rest.of(DIALECT))
    return value


def finish_word(reason: str | None, native: str | None, memo: SurfaceMemo) -> str | None:
    """Return the finish reason in OpenAI's words."""
    if memo.legacy_functions and reason == "tool_calls":
        return "function_call"
    return native if native in _FINISH_WORDS else reason


def _encode_message(choice: Choice, memo: SurfaceMemo) -> Json:
    message = choice.message
    calls = [encode_tool_call(call) for call in message.tool_calls]
    refusals = [part.refusal for part in message.parts if isinstance(part, Refusal)]
    value: dict[str, object] = {
        "role": "assistant",
        "content": message.text if message.text or not (calls or refusals or message.audio) else None,
        "refusal": "".join(refusals) or None,
    }
    thinking = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    if thinking:
        value["reasoning_content"] = thinking
    if any(isinstance(part, RedactedThinking) or (isinstance(part, Thinking) and part.signature) for part in message.parts):
        value["thinking_blocks"] = thinking_blocks(message.parts)
    if calls and memo.legacy_functions:
        value["function_call"] = calls[0].get("function")
    elif calls:
        value["tool_calls"] = calls
    for name, given in (("audio", message.audio), ("annotations", message.annotations), ("images", message.images)):
        if given:
            value[name] = given
    extra = extra_fields(choice, message.parts)
    if extra:
        value["provider_specific_fields"] = extra
    if message.rest is not None:
        value.update(message.rest.of(DIALECT))
    return value


def extra_fields(choice: Choice, parts: Sequence[Part]) -> Json:
    """Return what only another vendor's clients would find, under that vendor's own names."""
    extra: dict[str, object] = dict(choice.message.extra)
    citations = [citation for part in parts if isinstance(part, Text) for citation in part.citations]
    if citations:
        extra["citations"] = citations
    blocks = [part.value for part in parts if isinstance(part, Opaque) and part.dialect != DIALECT]
    if blocks:
        extra["blocks"] = blocks
    if choice.native_finish_reason is not None and choice.native_finish_reason not in _FINISH_WORDS:
        extra["stop_reason"] = choice.native_finish_reason
    if choice.stop_sequence is not None:
        extra["stop_sequence"] = choice.stop_sequence
    return extra
