"""A whole answer of Anthropic, decoded. Source: Anthropic's Python SDK, `Message`."""

from collections.abc import Sequence

import msgspec

from tianji_core.calls.chat import ChatResponse, Choice, FinishReason, Json, Message, Part, Refusal, Rest, Text, ToolCall
from tianji_core.dialects.anthropic_messages.errors import stream_error
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo
from tianji_core.dialects.anthropic_messages.parts import decode_block, rest_of, web_annotations
from tianji_core.dialects.anthropic_messages.stops import decode_stop, is_own_word
from tianji_core.dialects.anthropic_messages.usage import decode_usage
from tianji_core.errors import InvalidRequestError, UpstreamProtocolError
from tianji_core.translation.derived_ids import derived_id
from tianji_core.translation.structured_output import JSON_TOOL
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_upstream


def decode_response(body: bytes, memo: ProviderMemo) -> ChatResponse:
    """Return the canonical answer.

    Raises:
        TianjiError: the body is an error inside a 200; UpstreamProtocolError: it is not a message.
    """
    value = decode_upstream(body, memo.provider)
    if value.get("type") == "error" or (value.get("error") and "content" not in value):
        raise stream_error(value, memo.provider)
    try:
        return _decode(Fields(value, index="{}"), memo)
    except InvalidRequestError as error:  # the same checks, but here the provider is to blame
        raise UpstreamProtocolError(
            f"{memo.provider} answered something that is not a message: {error.message}", provider=memo.provider
        ) from None


def _decode(fields: Fields, memo: ProviderMemo) -> ChatResponse:
    if fields.values.get("content") is None:
        fields.required("content", None)
    blocks = [decode_block(fields.inside(value, "content", n), value) for n, value in enumerate(fields.objects("content"))]
    word, sequence = fields.text("stop_reason"), fields.text("stop_sequence")
    details = fields.mapping("stop_details")
    parts = [as_caller_knows(part, memo) for part in blocks]
    refusal = refusal_text(word, details)
    finish = finish_of(word, parts, emulated=memo.json_tool)
    choice = Choice(
        index=0,
        message=Message(role="assistant", parts=(*parts, *refusal), annotations=tuple(_annotations(parts))),
        finish_reason=finish,
        native_finish_reason=word,
        stop_sequence=sequence,
        rest=choice_rest(word, details),
    )
    usage = fields.mapping("usage")
    for name in ("type", "role"):
        fields.values.pop(name, None)
    return ChatResponse(
        id=fields.text("id") or derived_id("msg_", memo.facts.call_id),
        created=memo.facts.created,
        model=fields.text("model") or memo.model,
        choices=(choice,),
        usage=decode_usage(usage) if usage is not None else None,
        rest=rest_of(fields.values),
    )


def as_caller_knows(part: Part, memo: ProviderMemo) -> Part:
    """Return a part with the caller's own tool name; the call of our own JSON tool is the answer's text."""
    if not isinstance(part, ToolCall):
        return part
    if memo.json_tool and part.name == JSON_TOOL:
        return Text(text=part.arguments)
    return msgspec.structs.replace(part, name=memo.names[part.name]) if part.name in memo.names else part


def finish_of(word: str | None, parts: Sequence[Part], *, emulated: bool) -> FinishReason:
    """Return our finish reason; with the JSON tool, a "tool use" without a tool of the caller's is a stop."""
    reason = decode_stop(word)
    if emulated and reason == "tool_calls" and not any(isinstance(part, ToolCall) for part in parts):
        return "stop"
    return reason


def refusal_text(word: str | None, details: Json | None) -> tuple[Refusal, ...]:
    """Return the model's refusal in words, where it gave some."""
    text = details.get("explanation") if details is not None else None
    return (Refusal(refusal=text),) if word == "refusal" and isinstance(text, str) and text else ()


def choice_rest(word: str | None, details: Json | None) -> Rest | None:
    """Return what only this dialect says of an end: its details, and a word that is newer than this code."""
    return rest_of({"stop_details": details, "stop_reason": None if word is None or is_own_word(word) else word})


def _annotations(parts: Sequence[Part]) -> list[Json]:
    found: list[Json] = []
    start = 0
    for part in parts:
        if isinstance(part, Text):
            found += web_annotations(part.citations, start, start + len(part.text))
            start += len(part.text)
    return found
