"""The canonical chat call: what every surface is decoded to and every provider is encoded from.

A message's content is an ordered tuple of parts, tool calls and thinking included, so that no dialect's order is lost. What a
dialect says beyond these fields stands in `rest`, a `Rest` that names its dialect; encoding into that dialect merges it back, another
dialect ignores it (or shows it under `provider_specific_fields`). Structs are built by our own code: the dialects check the types of
what comes from outside.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from tianji_core.calls.http import Headers
from tianji_core.calls.usage import Usage

Json = Mapping[str, object]
"""A JSON object as decoded; numbers with a fraction are `Decimal`."""

Role = Literal["system", "developer", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Dialect = str
"""`openai_chat`, `openai_completions`, `anthropic_messages`, …: the name of the dialect's module."""


class Rest(msgspec.Struct, frozen=True):
    """What is left of an object after its known fields were taken, under the names of its own dialect."""

    dialect: Dialect
    fields: Json

    def of(self, dialect: Dialect) -> Json:
        """Return the fields if they belong to `dialect`, else nothing."""
        return self.fields if dialect == self.dialect else {}


# --- parts of a message -------------------------------------------------------------------------------------------------


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Written text. `citations` are objects in the vendor's own shape, as sent."""

    text: str
    citations: tuple[Json, ...] = ()
    cache_control: Json | None = None
    rest: Rest | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A picture: exactly one of `url`, `data` (base64) and `file_id`. `media_type` such as `image/png` goes with `data`."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    file_id: str | None = None
    detail: str | None = None
    cache_control: Json | None = None
    rest: Rest | None = None


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded sound as base64, in the `format` (`wav`, `mp3`, …)."""

    data: str
    format: str
    rest: Rest | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A document: exactly one of `data` (base64 of `media_type`), `text`, `url` and `file_id`.

    `citations` is a request to cite from it, in Anthropic's shape (`{"enabled": true}`).
    """

    data: str | None = None
    media_type: str | None = None
    text: str | None = None
    url: str | None = None
    file_id: str | None = None
    filename: str | None = None
    citations: Json | None = None
    cache_control: Json | None = None
    rest: Rest | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The model's refusal in its own words (assistant only)."""

    refusal: str


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """Reasoning that the model shows. `signature` lets the same vendor take it back; without one it cannot be replayed there."""

    text: str
    signature: str | None = None
    rest: Rest | None = None


class RedactedThinking(msgspec.Struct, frozen=True, kw_only=True):
    """Reasoning that only its vendor can read."""

    data: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool that the *client* runs. `arguments` is JSON text as received; of a custom tool, free text."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    cache_control: Json | None = None
    rest: Rest | None = None


class Opaque(msgspec.Struct, frozen=True, kw_only=True):
    """A part that only its dialect understands, whole (a server-side tool block, a search result, a new kind)."""

    dialect: Dialect
    value: Json


Part = Text | Image | Audio | File | Refusal | Thinking | RedactedThinking | ToolCall | Opaque


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn.

    Attributes:
        plain: The wire had a bare string (or null) as content, not a list of parts.
        tool_call_id, is_error: Only with role `tool`; one message per result.
        audio: OpenAI's `audio` object of an assistant (`id`, or in answers also `data`, `transcript`).
        annotations: OpenAI's `url_citation` objects of an answer.
        images: Pictures that the model made, as `{"type": "image_url", "image_url": {"url"}}`.
        extra: Fields for `provider_specific_fields` of this message, under the vendor's names.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    plain: bool = False
    name: str | None = None
    tool_call_id: str | None = None
    is_error: bool = False
    audio: Json | None = None
    annotations: tuple[Json, ...] = ()
    images: tuple[Json, ...] = ()
    cache_control: Json | None = None
    extra: Json = {}
    rest: Rest | None = None

    @property
    def text(self) -> str:
        """The written text of all parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


# --- the request --------------------------------------------------------------------------------------------------------


class FunctionTool(msgspec.Struct, frozen=True, kw_only=True):
    """A function the client offers. `parameters` is a JSON schema, or None when the client sent none."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None
    cache_control: Json | None = None
    rest: Rest | None = None


class OpaqueTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that only its dialect understands, whole (OpenAI's custom tools, Anthropic's server tools)."""

    dialect: Dialect
    value: Json


Tool = FunctionTool | OpaqueTool


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`named` goes with `name`; `opaque` with `value` in the dialect's own shape (allowed_tools, custom)."""

    mode: Literal["auto", "none", "required", "named", "opaque"]
    name: str | None = None
    dialect: Dialect | None = None
    value: Json | None = None


class ResponseFormat(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer must look like; `json_schema` goes with the other fields."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model may think.

    Attributes:
        effort: `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`, as the client sent it.
        mode: Anthropic's `thinking.type`: `enabled`, `disabled`, `adaptive`, `between_tools`.
        budget_tokens: With mode `enabled`.
        rest: The remaining fields of Anthropic's `thinking` object (`display`).
    """

    effort: str | None = None
    mode: str | None = None
    budget_tokens: int | None = None
    rest: Rest | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A chat call in no vendor's words.

    Attributes:
        dialect: Of the surface it came in by.
        model: As the client wrote it.
        max_output_tokens_field: The wire name that the client used (`max_tokens`, `max_completion_tokens`); for the same dialect.
        include_usage: The client asked for usage in the stream.
        end_user: OpenAI's `user`, Anthropic's `metadata.user_id`.
        parameters: The remaining parameters that the surface knows, under OpenAI's names (`temperature`, `top_p`, `top_k`, `seed`,
            `n`, `logprobs`, `top_logprobs`, `logit_bias`, `frequency_penalty`, `presence_penalty`, `modalities`, `audio`,
            `prediction`, `verbosity`, `web_search_options`, `service_tier`, `store`, `metadata`, `prompt_cache_key`, …), types checked.
        rest: Top-level fields that the surface does not know.
        extra_body: The client's `extra_body`, merged last into what is sent.
        forward_headers: Headers of the client that its own dialect takes upstream (`anthropic-beta`, `openai-beta`).
    """

    dialect: Dialect
    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    max_output_tokens_field: str | None = None
    stop: tuple[str, ...] = ()
    response_format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    stream: bool = False
    include_usage: bool = False
    end_user: str | None = None
    parameters: Json = {}
    rest: Rest | None = None
    extra_body: Json = {}
    forward_headers: Headers = ()


# --- the answer ---------------------------------------------------------------------------------------------------------


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of possibly several.

    Attributes:
        native_finish_reason: In the vendor's word (`end_turn`, `pause_turn`, …), when it differs from ours.
        stop_sequence: The sequence that ended it, where the vendor says so.
    """

    index: int
    message: Message
    finish_reason: FinishReason | None
    native_finish_reason: str | None = None
    stop_sequence: str | None = None
    logprobs: Json | None = None
    rest: Rest | None = None


class ChatResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `model` is what the provider says; the surface shows the caller's own name."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    rest: Rest | None = None


# --- the answer, piece by piece -----------------------------------------------------------------------------------------


class TextDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More text. `block` tells text blocks apart where the dialect has several in one message, else 0."""

    text: str
    block: int = 0


class RefusalDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More of a refusal."""

    refusal: str


class ThinkingDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More reasoning."""

    text: str
    block: int = 0


class SignatureDelta(msgspec.Struct, frozen=True, kw_only=True):
    """The signature of the thinking block before it."""

    signature: str
    block: int = 0


class RedactedThinkingDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A whole redacted block."""

    data: str
    block: int = 0


class ToolCallStart(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call begins. `index` counts the tool calls of one choice from 0."""

    index: int
    id: str
    name: str
    kind: Literal["function", "custom"] = "function"
    rest: Rest | None = None


class ToolArgumentsDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More argument text of the call with this index."""

    index: int
    arguments: str


class CitationDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A citation, in the vendor's shape, of the text block."""

    citation: Json
    block: int = 0


class AnnotationsDelta(msgspec.Struct, frozen=True, kw_only=True):
    """OpenAI's annotation objects."""

    annotations: tuple[Json, ...]


class AudioDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of OpenAI's `audio` object."""

    audio: Json


class ImagesDelta(msgspec.Struct, frozen=True, kw_only=True):
    """Pictures that the model made."""

    images: tuple[Json, ...]


class OpaqueDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A whole block that only its dialect understands, handed out when it is complete."""

    dialect: Dialect
    value: Json
    block: int = 0


class ExtraDelta(msgspec.Struct, frozen=True, kw_only=True):
    """Fields for `provider_specific_fields` of the delta."""

    fields: Json


Delta = (
    TextDelta
    | RefusalDelta
    | ThinkingDelta
    | SignatureDelta
    | RedactedThinkingDelta
    | ToolCallStart
    | ToolArgumentsDelta
    | CitationDelta
    | AnnotationsDelta
    | AudioDelta
    | ImagesDelta
    | OpaqueDelta
    | ExtraDelta
)


class ChoiceDelta(msgspec.Struct, frozen=True, kw_only=True):
    """What is new in one choice. The role comes with the first one only."""

    index: int = 0
    role: Role | None = None
    deltas: tuple[Delta, ...] = ()
    finish_reason: FinishReason | None = None
    native_finish_reason: str | None = None
    stop_sequence: str | None = None
    logprobs: Json | None = None
    rest: Rest | None = None


class ChatChunk(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a streamed answer. `usage` is cumulative: the last value per field counts."""

    id: str
    created: int
    model: str
    choices: tuple[ChoiceDelta, ...] = ()
    usage: Usage | None = None
    rest: Rest | None = None
