"""How much of a request becomes tokens, at most: the facts from which a reservation is computed."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from tianji_core.calls.chat import Audio, ChatRequest, File, FunctionTool, Image, Opaque, OpaqueTool
from tianji_core.calls.completions import CompletionRequest
from tianji_core.calls.deployment import Deployment
from tianji_core.pricing.families import Family, family_of, token_factor
from tianji_core.shapes.codecs import Request
from tianji_core.shapes.raw_requests import RawRequest

DEFAULT_OUTPUT_TOKENS = 16_384
"""What a model may answer of which neither the caller nor the price table says a limit."""

DEFAULT_TOOL_CALLS = 10
_ALLOWANCE = 256
_TOOLS_ALLOWANCE = 1_024
_OUTPUT_FIELDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_CALL_FIELDS = ("max_tool_calls", "max_uses")
_WHOLE_CONTEXT_FIELDS = ("previous_response_id", "conversation", "container")
_TELLING_FIELDS = frozenset(
    {*_CALL_FIELDS, *_WHOLE_CONTEXT_FIELDS, "audio", "max_output_tokens", "modalities", "service_tier", "speed", "web_search_options"}
)


class RequestSize(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a request before it is sent.

    Attributes:
        text_bytes: Of the body, base64 payloads left out.
        prompts: How many answers of `output` tokens each are asked for.
        output: The caller's limit of one answer, or None.
        hosted_calls: How often tools that the provider runs may be called; 0 without such tools.
        whole_context: The provider adds input that nobody here sees (hosted tools, a stored conversation).
        is_fast: A dearer, faster mode of the model is asked for.
        tier: The service tier that is asked for, in the provider's word.
        makes_media: Sound or pictures are asked for as the answer.
    """

    text_bytes: int
    prompts: int = 1
    output: int | None = None
    has_tools: bool = False
    hosted_calls: int = 0
    whole_context: bool = False
    images: tuple[str | None, ...] = ()
    audio_bytes: int = 0
    document_bytes: int = 0
    remote_documents: int = 0
    is_embedding: bool = False
    is_fast: bool = False
    tier: str | None = None
    makes_media: bool = False


def request_size(request: Request, body_bytes: int) -> RequestSize:
    """Return the size of a decoded request whose body had so many bytes."""
    if isinstance(request, ChatRequest):
        return _chat_size(request, body_bytes)
    if isinstance(request, CompletionRequest):
        prompts = max(1, len(request.prompt))
        each = max(
            _whole(request.parameters.get("n")), _whole(request.parameters.get("best_of")), *_from_bodies(request, ("n", "best_of")), 1
        )
        return RequestSize(text_bytes=body_bytes, prompts=prompts * each, output=_output(request))
    return RequestSize(text_bytes=body_bytes, is_embedding=True)


def raw_size(raw: RawRequest, body_bytes: int) -> RequestSize | None:
    """Return the size of a request of which only the top level was read; None where it takes the canonical request to tell."""
    if not raw.is_plain or raw.extra_body or not _TELLING_FIELDS.isdisjoint(raw.fields):
        return None
    return RequestSize(text_bytes=body_bytes, prompts=raw.choices, output=raw.output, has_tools=raw.has_tools)


def input_tokens(size: RequestSize, deployment: Deployment, counted: int | None = None) -> int:
    """Return the most input tokens that a deployment can count.

    Args:
        counted: By the offline tokenizer, every string of the request. Without it the bytes stand for tokens.
    """
    if size.whole_context:
        return max(_most_input(deployment), size.text_bytes)
    text = size.text_bytes
    if counted is not None:
        numerator, denominator = token_factor(deployment.model)
        text = min(text, -(-counted * numerator // denominator))
    return text + _ALLOWANCE + (_TOOLS_ALLOWANCE if size.has_tools else 0) + _media_tokens(size, deployment)


def output_tokens(size: RequestSize, deployment: Deployment, default: int = DEFAULT_OUTPUT_TOKENS) -> int:
    """Return the most output tokens of all answers together."""
    if size.is_embedding:
        return 0
    each = size.output if size.output is not None else deployment.max_output_tokens or default
    return size.prompts * each


def _chat_size(request: ChatRequest, body_bytes: int) -> RequestSize:
    parts = [part for message in request.messages for part in message.parts]
    images = [part for part in parts if isinstance(part, Image)]
    sounds = [part for part in parts if isinstance(part, Audio)]
    files = [part for part in parts if isinstance(part, File)]
    payloads = [part.data for part in images] + [part.data for part in sounds] + [part.data for part in files]
    payload = sum(len(data) for data in payloads if data is not None)
    hosted = [tool for tool in request.tools if isinstance(tool, OpaqueTool)]
    searches = "web_search_options" in request.parameters
    return RequestSize(
        text_bytes=max(0, body_bytes - payload),
        prompts=max(_whole(request.parameters.get("n")), *_from_bodies(request, ("n",)), 1),
        output=_output(request),
        has_tools=any(isinstance(tool, FunctionTool) for tool in request.tools) or request.response_format is not None,
        hosted_calls=_hosted_calls(request, hosted) if hosted or searches else 0,
        whole_context=bool(hosted) or searches or _adds_context(request) or any(isinstance(part, Opaque) for part in parts),
        images=tuple(part.detail for part in images),
        audio_bytes=sum(len(part.data) * 3 // 4 for part in sounds),
        document_bytes=sum(len(part.data) * 3 // 4 for part in files if part.data is not None),
        remote_documents=sum(1 for part in files if part.data is None and part.text is None),
        is_fast=any(body.get("speed") == "fast" for body in (request.parameters, *_bodies(request))),
        tier=_tier(request),
        makes_media=any(name in body for name in ("audio", "modalities") for body in (request.parameters, *_bodies(request))),
    )


def _media_tokens(size: RequestSize, deployment: Deployment) -> int:
    family: Family = family_of(deployment.provider)
    tokens = sum(family.image_tokens(deployment.model, detail) for detail in size.images)
    tokens += -(-size.audio_bytes * family.audio_per_kilobyte // 1_000)
    most = _most_input(deployment)
    return tokens + min(size.document_bytes, most) + size.remote_documents * most


def _most_input(deployment: Deployment) -> int:
    return _whole(deployment.info("max_input_tokens")) or 1_000_000


def _output(request: ChatRequest | CompletionRequest) -> int | None:
    """Return the caller's limit; fields that are merged into what is sent can raise it, or lift it by a null."""
    limits = [request.max_output_tokens] if request.max_output_tokens is not None else []
    for body in _bodies(request):
        for name in _OUTPUT_FIELDS:
            if name in body:
                limit = _whole(body[name])
                if not limit:
                    return None
                limits.append(limit)
    return max(limits) if limits else None


def _hosted_calls(request: ChatRequest, tools: list[OpaqueTool]) -> int:
    stated = [_whole(tool.value.get(name)) for tool in tools for name in _CALL_FIELDS]
    stated += [_whole(body.get(name)) for body in _bodies(request) for name in _CALL_FIELDS]
    return max(1, len(tools)) * max(DEFAULT_TOOL_CALLS, *stated, 0) if not any(stated) else sum(stated)


def _tier(request: ChatRequest) -> str | None:
    asked = [body.get("service_tier") for body in (request.parameters, *_bodies(request))]
    return next((word for word in reversed(asked) if isinstance(word, str)), None)


def _adds_context(request: ChatRequest) -> bool:
    return any(body.get(name) for body in _bodies(request) for name in _WHOLE_CONTEXT_FIELDS)


def _from_bodies(request: ChatRequest | CompletionRequest, names: tuple[str, ...]) -> Iterator[int]:
    yield 1
    for body in _bodies(request):
        for name in names:
            yield _whole(body.get(name))


def _bodies(request: ChatRequest | CompletionRequest) -> Iterator[Mapping[str, object]]:
    """Yield what goes up beside the fields that we understand."""
    yield request.extra_body
    if request.rest is not None:
        yield request.rest.fields


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return 0
    return max(0, int(value))
