"""Which text of a request an offline tokenizer counts, and with which encoding."""

from collections.abc import Iterator, Mapping

from tianji_core.calls.chat import ChatRequest, File, FunctionTool, Opaque, Part, Refusal, Text, Thinking, Tool, ToolCall
from tianji_core.calls.completions import CompletionRequest
from tianji_core.calls.embeddings import EmbeddingRequest
from tianji_core.shapes.codecs import Request

_CL100K = ("gpt-4-", "gpt-3.5", "text-embedding-", "davinci-002", "babbage-002")
_MESSAGE_TOKENS = 4


def encoding_of(model: str) -> str:
    """Return the name of the encoding that counts (or, for vendors without a public one, estimates) a model's tokens."""
    name = model.rpartition("/")[2].removeprefix("ft:")
    if name.startswith("voyage"):
        return "voyage3_base"
    return "cl100k_base" if name == "gpt-4" or name.startswith(_CL100K) else "o200k_base"


def request_text(request: Request) -> str:
    """Return every string of a request that becomes tokens, keys of schemas included; base64 payloads are not text."""
    match request:
        case ChatRequest():
            parts = (text for message in request.messages for part in message.parts for text in _part_texts(part))
            tools = (text for tool in request.tools for text in _tool_texts(tool))
            return "\n".join((*parts, *tools))
        case CompletionRequest():
            return "\n".join(item for item in request.prompt if isinstance(item, str))
        case EmbeddingRequest():
            return "\n".join(item for item in request.input if isinstance(item, str))


def fixed_tokens(request: Request) -> int:
    """Return tokens that no text shows: the frame of each message, and prompts that came as token ids."""
    match request:
        case ChatRequest():
            return _MESSAGE_TOKENS * len(request.messages) + 3
        case CompletionRequest():
            return sum(len(item) for item in request.prompt if not isinstance(item, str))
        case EmbeddingRequest():
            return sum(len(item) for item in request.input if not isinstance(item, str))


def _part_texts(part: Part) -> Iterator[str]:
    match part:
        case Text() | Thinking():
            yield part.text
        case Refusal():
            yield part.refusal
        case ToolCall():
            yield part.name
            yield part.arguments
        case File() if part.text is not None:
            yield part.text
        case Opaque():
            yield from _strings(part.value)
        case _:
            pass


def _tool_texts(tool: Tool) -> Iterator[str]:
    if isinstance(tool, FunctionTool):
        yield tool.name
        yield tool.description or ""
        yield from _strings(tool.parameters or {})
    else:
        yield from _strings(tool.value)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
