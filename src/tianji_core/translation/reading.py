"""What the meter sees of an answer, whatever the dialect: enough for usage, cost and the event, never more than is needed."""

from collections.abc import Iterator

import msgspec

from tianji_core.calls.chat import (
    ChatChunk,
    ChatResponse,
    Delta,
    Part,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolArgumentsDelta,
    ToolCall,
    ToolCallStart,
)
from tianji_core.calls.completions import CompletionResponse
from tianji_core.calls.embeddings import EmbeddingResponse
from tianji_core.calls.usage import Usage
from tianji_core.shapes.codecs import Chunk, Response

KEPT_TEXT_CHARACTERS = 1024 * 1024


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one event, or the whole answer, said."""

    response_id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    text: str = ""
    finish_reasons: tuple[str, ...] = ()


def read(answer: Response | Chunk | int) -> Reading:
    """Return the reading of a whole answer or of a chunk; a token count says nothing to be billed."""
    match answer:
        case ChatResponse():
            return Reading(
                response_id=answer.id,
                model=answer.model,
                usage=answer.usage,
                text="".join(text for choice in answer.choices for text in _texts(choice.message.parts)),
                finish_reasons=tuple(choice.finish_reason for choice in answer.choices if choice.finish_reason),
            )
        case ChatChunk():
            return Reading(
                response_id=answer.id,
                model=answer.model,
                usage=answer.usage,
                text="".join(text for choice in answer.choices for text in _delta_texts(choice.deltas)),
                finish_reasons=tuple(choice.finish_reason for choice in answer.choices if choice.finish_reason),
            )
        case CompletionResponse():
            return Reading(
                response_id=answer.id,
                model=answer.model,
                usage=answer.usage,
                text="".join(choice.text for choice in answer.choices),
                finish_reasons=tuple(choice.finish_reason for choice in answer.choices if choice.finish_reason),
            )
        case EmbeddingResponse():
            return Reading(model=answer.model, usage=answer.usage)
        case int():
            return Reading()


def _texts(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text() | Thinking():
                yield part.text
            case Refusal():
                yield part.refusal
            case ToolCall():
                yield part.name + part.arguments
            case _:
                pass


def _delta_texts(deltas: tuple[Delta, ...]) -> Iterator[str]:
    for delta in deltas:
        match delta:
            case TextDelta() | ThinkingDelta():
                yield delta.text
            case RefusalDelta():
                yield delta.refusal
            case ToolCallStart():
                yield delta.name
            case ToolArgumentsDelta():
                yield delta.arguments
            case _:
                pass
