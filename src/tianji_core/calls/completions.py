"""The canonical legacy completions call (a prompt is continued, no messages)."""

import msgspec

from tianji_core.calls.chat import Dialect, Json, Rest
from tianji_core.calls.usage import Usage

Prompt = tuple[str, ...] | tuple[tuple[int, ...], ...]


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Prompts to be continued. `parameters` under OpenAI's names, types checked."""

    dialect: Dialect
    model: str
    prompt: Prompt
    single: bool = False
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    end_user: str | None = None
    parameters: Json = {}
    rest: Rest | None = None
    extra_body: Json = {}


class CompletionChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A continuation, whole or the next piece of it."""

    index: int
    text: str
    finish_reason: str | None
    logprobs: Json | None = None
    rest: Rest | None = None


class CompletionResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or one chunk of a streamed one (the shape is the same on the wire)."""

    id: str
    created: int
    model: str
    choices: tuple[CompletionChoice, ...]
    usage: Usage | None = None
    rest: Rest | None = None
