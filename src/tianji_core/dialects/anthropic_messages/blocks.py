"""One canonical part as a content block that Anthropic accepts. Source: Anthropic's Python SDK, block parameter types; its PDF page."""

import base64
import binascii

import msgspec

from tianji_core.calls.chat import (
    Audio,
    File,
    Image,
    Json,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from tianji_core.dialects.anthropic_messages.parts import (
    DIALECT,
    encode_document,
    encode_image,
    encode_redacted,
    encode_text,
    encode_thinking,
    with_rest,
)
from tianji_core.errors import InvalidRequestError
from tianji_core.translation.parameters import Dropping
from tianji_core.translation.tool_call_ids import ANTHROPIC, fit_tool_call_id
from tianji_core.translation.tool_names import ToolNames
from tianji_core.wire.json import decode_object

_TEXT_KINDS = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})


class Encoding(msgspec.Struct, frozen=True, kw_only=True):
    """What encoding the blocks of one request needs to know.

    Attributes:
        own: The request is of this dialect: what the client wrote stays as it is.
    """

    own: bool
    names: ToolNames
    dropping: Dropping


def encode_part(part: Part, encoding: Encoding) -> dict[str, object] | None:
    """Return the block of a part; None for one that has none here (unsigned thinking, an empty text, another vendor's own).

    Raises:
        UnsupportedParameterError: the part is sound, and the deployment's mode is `refuse`.
        InvalidRequestError: a text file is not text.
    """
    match part:
        case Text():
            return encode_text(part) if part.text or encoding.own else None
        case Image():
            return _encode_picture(part)
        case File():
            return encode_document(part) if encoding.own else _encode_file(part)
        case Refusal():
            return {"type": "text", "text": part.refusal} if part.refusal else None
        case Thinking():  # without its signature the vendor does not take it back
            return encode_thinking(part) if part.signature else None
        case RedactedThinking():
            return encode_redacted(part.data)
        case ToolCall():
            return encode_tool_use(part, encoding)
        case Audio():
            encoding.dropping.unsupported("input_audio", part.format, "it takes no sound")
            return None
        case Opaque():
            return dict(part.value) if part.dialect == DIALECT else None


def encode_tool_use(call: ToolCall, encoding: Encoding) -> dict[str, object]:
    """Return a tool call; arguments that are not a JSON object become an empty one."""
    block: dict[str, object] = {
        "type": "tool_use",
        "id": call.id if encoding.own else fit_tool_call_id(call.id, ANTHROPIC),
        "name": encoding.names[call.name],
        "input": parse_arguments(call)[0],
    }
    if call.cache_control is not None:
        block["cache_control"] = call.cache_control
    return with_rest(block, call.rest)


def parse_arguments(call: ToolCall) -> tuple[Json, str | None]:
    """Return (the arguments as an object, the text where it was no object). A custom tool's free text stands under `input`."""
    if call.kind == "custom":
        return {"input": call.arguments}, None
    if not call.arguments.strip():
        return {}, None
    try:
        return decode_object(call.arguments.encode()), None
    except (InvalidRequestError, UnicodeEncodeError):
        return {}, call.arguments


def _encode_picture(part: Image) -> dict[str, object]:
    if part.data is not None and part.media_type == "application/pdf":  # some clients send every file as an image URL
        return encode_document(File(data=part.data, media_type=part.media_type, cache_control=part.cache_control))
    if part.media_type == "image/jpg":
        return encode_image(msgspec.structs.replace(part, media_type="image/jpeg"))
    return encode_image(part)


def _encode_file(part: File) -> dict[str, object]:
    media_type = part.media_type or ""
    if part.data is None:
        return encode_document(part)
    if media_type.startswith("image/"):
        return _encode_picture(Image(data=part.data, media_type=media_type, cache_control=part.cache_control))
    if media_type.startswith("text/") or media_type in _TEXT_KINDS:
        return encode_document(msgspec.structs.replace(part, data=None, text=_file_text(part.data), media_type="text/plain"))
    return encode_document(part)


def _file_text(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidRequestError(
            "a text file in the messages is not base64 of UTF-8 text", param="messages", code="invalid_value"
        ) from None
