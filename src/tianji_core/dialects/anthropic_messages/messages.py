"""Anthropic's messages as clients send them, decoded. Source: Anthropic's Python SDK, `MessageParam`.

A tool result is a block of a user turn there and a message of its own here; the rest of the turn follows it.
"""

from collections.abc import Iterator

from tianji_core.calls.chat import Message, Opaque, Part, Role, Text
from tianji_core.dialects.anthropic_messages.parts import DIALECT, decode_block, rest_of
from tianji_core.wire.fields import Fields

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def decode_system(body: Fields) -> tuple[Message, ...]:
    """Take `system`, a string or text blocks, as the first message."""
    if body.values.get("system") is None:
        return ()
    parts, plain = _decode_content(body, "system")
    return (Message(role="system", parts=parts, plain=plain),)


def decode_messages(body: Fields) -> tuple[Message, ...]:
    """Return the messages of a request body, `system` left out.

    Raises:
        InvalidRequestError: with `param` as Anthropic writes it (`messages.0.content`).
    """
    values = body.array("messages")
    body.required("messages", values)
    if not values:
        raise body.invalid("messages", "expected at least one message")
    messages: list[Message] = []
    for position, value in enumerate(values):
        messages += _decode_turn(body.inside(body.as_object(value, "messages", position), "messages", position))
    return tuple(messages)


def _decode_turn(fields: Fields) -> Iterator[Message]:
    wire_role = fields.required_text("role")
    role = _ROLES.get(wire_role)
    if role is None:
        raise fields.invalid("role", f"'{wire_role[:40]}' is none of {', '.join(_ROLES)}")
    fields.required("content", fields.values.get("content"))
    if role == "user" and isinstance(fields.values["content"], list):
        yield from _decode_user_turn(fields)
        return
    parts, plain = _decode_content(fields, "content")
    if role == "system":  # one that stands among the messages says so, since `system` itself is a message here too
        fields.values["role"] = role
    yield Message(role=role, parts=parts, plain=plain, rest=rest_of(fields.values))


def _decode_user_turn(fields: Fields) -> Iterator[Message]:
    """Yield the results first, as the API wants them, then what the user says."""
    parts: list[Part] = []
    results: list[Message] = []
    for position, value in enumerate(fields.objects("content")):
        block = fields.inside(value, "content", position)
        if value.get("type") == "tool_result":
            results.append(_decode_result(block))
        else:
            parts.append(decode_block(block, value))
    yield from results
    if parts or not results:
        yield Message(role="user", parts=tuple(parts), rest=rest_of(fields.values))


def _decode_result(block: Fields) -> Message:
    block.text("type")
    tool_use_id = block.required_text("tool_use_id")
    parts: tuple[Part, ...] = ()
    plain = True
    if block.values.get("content") is not None:
        parts, plain = _decode_content(block, "content")
    is_error = bool(block.boolean("is_error")) if block.values.get("is_error") is not False else False  # `false` stays in the rest
    return Message(
        role="tool",
        parts=parts,
        plain=plain,
        tool_call_id=tool_use_id,
        is_error=is_error,
        cache_control=block.mapping("cache_control"),
        rest=rest_of(block.values),
    )


def _decode_content(fields: Fields, name: str) -> tuple[tuple[Part, ...], bool]:
    value = fields.values.get(name)
    if isinstance(value, str):
        text = fields.text(name)
        return ((_plain_part(text),) if text else ()), True
    if not isinstance(value, list):
        raise fields.wrong_type(name, "a string or an array", value)
    blocks = enumerate(fields.objects(name))
    return tuple(decode_block(fields.inside(block, name, position), block) for position, block in blocks), False


def _plain_part(text: str) -> Part:
    part = decode_block(Fields({"type": "text", "text": text}), {"type": "text", "text": text})
    return part if isinstance(part, Text) else Opaque(dialect=DIALECT, value={"type": "text", "text": text})
