"""A whole answer for a client of Anthropic's SDKs. Source: Anthropic's Python SDK, `Message`."""

from collections.abc import Mapping, Sequence

from tianji_core.calls.chat import (
    ChatResponse,
    Choice,
    Json,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Rest,
    Text,
    Thinking,
    ToolCall,
)
from tianji_core.dialects.anthropic_messages.blocks import parse_arguments
from tianji_core.dialects.anthropic_messages.memo import SurfaceMemo
from tianji_core.dialects.anthropic_messages.parts import DIALECT, encode_redacted, encode_text, encode_thinking, with_rest
from tianji_core.dialects.anthropic_messages.stops import encode_stop, is_own_word
from tianji_core.dialects.anthropic_messages.usage import encode_usage
from tianji_core.wire.json import encode

_EMPTY: tuple[object, ...] = (None, "", [], (), {})


def encode_response(response: ChatResponse, memo: SurfaceMemo) -> bytes:
    """Return the bytes of an answer; `model` is the name that the caller used. Only the first choice has a place."""
    choice = response.choices[0] if response.choices else Choice(index=0, message=Message(role="assistant"), finish_reason="stop")
    own = is_own_word(choice.native_finish_reason)
    value: dict[str, object] = {
        "id": message_id(response.id),
        "type": "message",
        "role": "assistant",
        "model": memo.model,
        "content": _encode_content(choice.message.parts, own=own),
        "stop_reason": encode_stop(choice.finish_reason, choice.native_finish_reason),
        "stop_sequence": choice.stop_sequence,
        "usage": encode_usage(response.usage),
    }
    extra = _extra(choice.message, response.rest)
    if extra:
        value["provider_specific_fields"] = extra
    return encode(with_rest(with_rest(value, response.rest), choice.rest))


def message_id(upstream: str) -> str:
    """Return the id as Anthropic's clients expect it to begin."""
    return upstream if upstream.startswith("msg_") else f"msg_{upstream}"


def _encode_content(parts: Sequence[Part], *, own: bool) -> list[Json]:
    blocks = [block for part in parts if (block := _encode_block(part, own=own)) is not None]
    return blocks if blocks or own else [{"type": "text", "text": ""}]


def _encode_block(part: Part, *, own: bool) -> Json | None:
    match part:
        case Text():
            return encode_text(part)
        case Thinking():
            return encode_thinking(part)
        case RedactedThinking():
            return encode_redacted(part.data)
        case ToolCall():
            return encode_call(part)
        case Refusal():  # Anthropic's own stands in `stop_details`
            return None if own else {"type": "text", "text": part.refusal}
        case Opaque():
            return part.value if part.dialect == DIALECT else None
        case _:
            return None


def encode_call(call: ToolCall) -> Json:
    """Return a tool call; arguments that are no JSON object become an empty one, and their text is kept beside it."""
    arguments, invalid = parse_arguments(call)
    block: dict[str, object] = {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}
    if invalid is not None:
        block["provider_specific_fields"] = {"invalid_arguments": invalid}
    return with_rest(block, call.rest)


def _extra(message: Message, rest: Rest | None) -> Json:
    """Return what only another vendor's clients would find, under that vendor's own names."""
    extra: dict[str, object] = dict(message.extra)
    cited = any(isinstance(part, Text) and part.citations for part in message.parts)
    extra.update(filled({"annotations": () if cited else message.annotations, "images": message.images, "audio": message.audio}))
    for left in (message.rest, rest):
        if left is not None and left.dialect != DIALECT:
            extra.update(filled(left.fields))
    return extra


def filled(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value not in _EMPTY}
