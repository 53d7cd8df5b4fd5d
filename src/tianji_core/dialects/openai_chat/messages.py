"""OpenAI's messages, both directions. Source: OpenAI's Python SDK, chat completion message types."""

from collections.abc import Iterator, Sequence

from tianji_core.calls.chat import (
    Audio,
    File,
    Image,
    Json,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Rest,
    Role,
    Text,
    Thinking,
    ToolCall,
)
from tianji_core.dialects.openai_chat.parts import DIALECT, decode_part, encode_parts, rest_of
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import encode

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def decode_messages(body: Fields) -> tuple[Message, ...]:
    """Return the messages of a request body.

    Raises:
        InvalidRequestError: with `param` as OpenAI writes it (`messages.[0].content`).
    """
    values = body.array("messages")
    body.required("messages", values)
    if not values:
        raise body.invalid("messages", "expected at least one message")
    legacy = 0
    messages = []
    for position, value in enumerate(values):
        fields = body.inside(body.as_object(value, "messages", position), "messages", position)
        if isinstance(fields.values.get("function_call"), dict):
            legacy = position
        messages.append(_decode_message(fields, position, legacy))
    return tuple(messages)


def _decode_message(fields: Fields, position: int, last_legacy_call: int) -> Message:
    wire_role = fields.required_text("role")
    role = _ROLES.get(wire_role)
    if role is None:
        raise fields.invalid("role", f"'{wire_role[:40]}' is none of {', '.join(_ROLES)}")
    content, plain = _decode_content(fields)
    parts: list[Part] = []
    if role == "assistant":
        parts += decode_thinking(fields)
    parts += content
    if role == "assistant":
        parts += _decode_assistant_extras(fields, position)
    tool_call_id = fields.text("tool_call_id")
    if wire_role == "function":
        tool_call_id = _legacy_id(last_legacy_call)
    if role == "tool":
        fields.required("tool_call_id", tool_call_id)
    return Message(
        role=role,
        parts=tuple(parts),
        plain=plain,
        name=fields.text("name"),
        tool_call_id=tool_call_id,
        audio=fields.mapping("audio"),
        cache_control=fields.mapping("cache_control"),
        extra=fields.mapping("provider_specific_fields") or {},
        rest=rest_of(fields.values),
    )


def _decode_content(fields: Fields) -> tuple[list[Part], bool]:
    value = fields.values.get("content")
    if value is None or isinstance(value, str):
        text = fields.text("content")
        return ([Text(text=text)] if text else []), True
    if not isinstance(value, list):
        raise fields.wrong_type("content", "a string or an array", value)
    return [decode_part(part, fields, position) for position, part in enumerate(fields.objects("content"))], False


def decode_thinking(fields: Fields, field: str = "reasoning_content") -> list[Part]:
    """Take the reasoning of an assistant message: whole blocks where they are, else the bare text."""
    text = fields.text(field)
    blocks: list[Part] = []
    for value in fields.objects("thinking_blocks"):
        block = Fields(dict(value), fields.at("thinking_blocks"))
        if block.text("type") == "redacted_thinking":
            blocks.append(RedactedThinking(data=block.required_text("data")))
        else:
            blocks.append(Thinking(text=block.text("thinking") or "", signature=block.text("signature")))
    return blocks or ([Thinking(text=text)] if text else [])


def _decode_assistant_extras(fields: Fields, position: int) -> Iterator[Part]:
    refusal = fields.text("refusal")
    if refusal is not None:
        yield Refusal(refusal=refusal)
    for number, value in enumerate(fields.objects("tool_calls")):
        yield decode_tool_call(fields.inside(value, "tool_calls", number))
    legacy = fields.mapping("function_call")
    if legacy is not None:
        call = fields.inside(legacy, "function_call")
        yield ToolCall(id=_legacy_id(position), name=call.required_text("name"), arguments=call.text("arguments") or "")


def decode_tool_call(call: Fields, fallback_id: str | None = None) -> ToolCall:
    """Return one call; an absent id takes `fallback_id`, or is an error when there is none."""
    call_id = call.text("id") or fallback_id
    call.required("id", call_id)
    kind = call.text("type")
    cache_control = call.mapping("cache_control")
    if kind == "custom":
        inner = call.inside(call.mapping("custom") or {}, "custom")
        name, arguments = inner.required_text("name"), inner.text("input") or ""
    else:
        inner = call.inside(call.mapping("function") or {}, "function")
        name, arguments = inner.required_text("name"), _argument_text(inner)
    return ToolCall(
        id=call_id or "",
        name=name,
        arguments=arguments,
        kind="custom" if kind == "custom" else "function",
        cache_control=cache_control,
        rest=rest_of(call.values),
    )


def _argument_text(function: Fields) -> str:
    value = function.values.pop("arguments", None)
    if isinstance(value, dict):  # some servers send the object itself
        return encode(value).decode()
    function.values["arguments"] = value
    return function.text("arguments") or ""


def _legacy_id(position: int) -> str:
    return f"call_function_{position}"


# --- to the wire --------------------------------------------------------------------------------------------------------


def encode_messages(messages: Sequence[Message], quirks: Quirks) -> list[Json]:
    """Return the messages for a server with these quirks."""
    plain_only = quirks.flatten == "always" or (quirks.flatten == "text" and all(_only_text(message) for message in messages))
    encoded: list[Json] = []
    for message in messages:
        value = _encode_message(message, quirks, flat=plain_only)
        if not _is_empty(message, value, quirks):
            encoded.append(value)
        pictures = [part for part in message.parts if isinstance(part, Image)] if message.role == "tool" else []
        if pictures:  # a tool message takes text alone
            encoded.append({"role": "user", "content": encode_parts(pictures, quirks)})
    return encoded


def _is_empty(message: Message, value: Json, quirks: Quirks) -> bool:
    """Whether nothing is left that the server would take: what another vendor alone understands has no form here."""
    if message.role in ("system", "developer"):
        return bool(message.parts) and value["content"] == []
    return quirks.drops_empty_assistant and message.role == "assistant" and not value["content"] and "tool_calls" not in value


def _encode_message(message: Message, quirks: Quirks, *, flat: bool) -> Json:
    value: dict[str, object] = {"role": quirks.developer_role if message.role == "developer" else message.role}
    parts = [part for part in message.parts if not (message.role == "tool" and isinstance(part, Image))]
    value["content"] = _encode_content(message, parts, quirks, flat=flat)
    if message.name is not None and not quirks.drops_name:
        value["name"] = message.name
    if message.tool_call_id is not None:
        value["tool_call_id"] = message.tool_call_id
    if message.role == "assistant":
        value.update(_encode_assistant(message, quirks))
    if message.cache_control is not None and quirks.keeps_cache_control:
        value["cache_control"] = message.cache_control
    if message.rest is not None:
        value.update(message.rest.of(DIALECT))
    return value


def _encode_content(message: Message, parts: Sequence[Part], quirks: Quirks, *, flat: bool) -> str | list[Json] | None:
    content = [part for part in parts if isinstance(part, Text) or _is_content(part)]
    if not content and message.role == "assistant":
        return None if message.tool_calls or message.audio else ""
    texts = [part for part in content if isinstance(part, Text)]
    marked = quirks.keeps_cache_control and any(part.cache_control is not None for part in texts)
    if len(texts) == len(content) and not marked and (message.plain or flat or message.role in ("assistant", "tool")):
        return ("Error: " if message.is_error else "") + "".join(part.text for part in texts)
    return encode_parts(content, quirks)


def _is_content(part: Part) -> bool:
    """Whether this dialect shows the part inside `content`, text aside."""
    return isinstance(part, Image | Audio | File) or (isinstance(part, Opaque) and part.dialect == DIALECT)


def _only_text(message: Message) -> bool:
    return not any(_is_content(part) for part in message.parts)


def _encode_assistant(message: Message, quirks: Quirks) -> Json:
    value: dict[str, object] = {}
    for part in message.parts:
        if isinstance(part, Refusal):
            value["refusal"] = part.refusal
    if message.audio is not None:
        value["audio"] = {"id": message.audio["id"]} if "id" in message.audio else message.audio
    calls = [encode_tool_call(call) for call in message.tool_calls]
    if calls:
        value["tool_calls"] = calls
    thinking = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    if quirks.replays_reasoning and (thinking or calls):
        value[quirks.reasoning_field] = thinking or " "  # these servers refuse a tool call without any
    return value


def encode_tool_call(call: ToolCall) -> Json:
    """Return one call as OpenAI writes it."""
    body: Json = (
        {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
        if call.kind == "custom"
        else {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    )
    rest: Json = call.rest.of(DIALECT) if call.rest is not None else {}
    return {"id": call.id, **body, **rest}


def thinking_blocks(parts: Sequence[Part]) -> list[Json]:
    """Return the thinking of a message as whole blocks, signatures included."""
    blocks: list[Json] = []
    for part in parts:
        if isinstance(part, Thinking):
            block: dict[str, object] = {"type": "thinking", "thinking": part.text}
            if part.signature is not None:
                block["signature"] = part.signature
            blocks.append(block)
        elif isinstance(part, RedactedThinking):
            blocks.append({"type": "redacted_thinking", "data": part.data})
    return blocks


def as_rest(value: Json) -> Rest | None:
    """Return fields as a rest of this dialect, or None when there are none."""
    return Rest(DIALECT, value) if value else None
