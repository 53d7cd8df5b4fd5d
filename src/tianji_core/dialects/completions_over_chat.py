"""Legacy completions on a model that only chats: the prompt becomes one user message, the answer's text the continuation.

What a chat model cannot do here: token ids, several prompts, `suffix`, `echo`, `best_of`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tianji_core.calls.chat import (
    ChatChunk,
    ChatRequest,
    ChatResponse,
    Choice,
    ChoiceDelta,
    Json,
    Message,
    Refusal,
    RefusalDelta,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
)
from tianji_core.calls.completions import CompletionChoice, CompletionRequest, CompletionResponse
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.openai_completions import rest_of
from tianji_core.errors import InvalidRequestError, TianjiError
from tianji_core.shapes.codecs import Encoded, Provider, ProviderCodec, StreamDecoder
from tianji_core.translation.parameters import Dropping

_SAME = frozenset({"frequency_penalty", "logit_bias", "n", "presence_penalty", "seed", "temperature", "top_p"})
_NEUTRAL: dict[str, object] = {"echo": False, "best_of": 1, "suffix": ""}

ChatCodec = ProviderCodec[ChatRequest, ChatResponse, ChatChunk]


def completions_codec(provider: Provider, deployment: Deployment) -> Any | None:
    """Return the codec for completions on this deployment: the provider's own, or the one over its chat codec.

    A model that is known to only chat goes over chat even where the provider has completions.
    """
    if provider.completions is not None and (provider.chat is None or deployment.info("mode") != "chat"):
        return provider.completions
    return CompletionsOverChat(chat=provider.chat) if provider.chat is not None else None


def as_chat(request: CompletionRequest, dropping: Dropping) -> ChatRequest:
    """Return the chat request that continues the prompt.

    Raises:
        InvalidRequestError: the prompt is token ids, or there is more than one.
        UnsupportedParameterError: a parameter has no counterpart and the deployment's mode is `refuse`.
    """
    prompt = request.prompt[0]
    if len(request.prompt) != 1 or not isinstance(prompt, str):
        what = "token ids" if not isinstance(prompt, str) else "several prompts"
        raise InvalidRequestError(
            f"the model `{request.model}` only chats: its prompt must be one text, not {what}",
            hint="send one request per prompt, as text",
            param="prompt",
            code="invalid_value",
        )
    return ChatRequest(
        dialect=request.dialect,
        model=request.model,
        messages=(Message(role="user", parts=(Text(text=prompt),), plain=True),),
        max_output_tokens=request.max_output_tokens,
        stop=request.stop,
        stream=request.stream,
        include_usage=request.include_usage,
        end_user=request.end_user,
        parameters=_parameters(request.parameters, dropping),
        rest=request.rest,
        extra_body=request.extra_body,
    )


def _parameters(parameters: Json, dropping: Dropping) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in parameters.items():
        if name in _SAME:
            found[name] = value
        elif name == "logprobs":
            found["logprobs"] = True
            if value:
                found["top_logprobs"] = value
        elif name not in _NEUTRAL or value != _NEUTRAL[name]:
            dropping.unsupported(name, value, "this model only chats")
    return found


class CompletionsOverChat(msgspec.Struct, frozen=True, kw_only=True):
    """A completions codec made of a chat codec; its memo is the chat codec's."""

    chat: ChatCodec

    def encode(self, request: CompletionRequest, deployment: Deployment, call: CallFacts) -> Encoded:
        """Return the chat request of one attempt; raises as `as_chat` and the chat codec do."""
        dropping = Dropping(deployment)
        encoded = self.chat.encode(as_chat(request, dropping), deployment, call)
        return msgspec.structs.replace(encoded, dropped=(*dropping.names, *encoded.dropped))

    def decode(self, response: HttpResponse, memo: Any) -> CompletionResponse:
        """Return the answer of a 2xx response."""
        answer = self.chat.decode(response, memo)
        choices = tuple(_whole_choice(choice) for choice in answer.choices)
        return CompletionResponse(id=answer.id, created=answer.created, model=answer.model, choices=choices, usage=answer.usage)

    def stream(self, memo: Any) -> "OverChatStream":
        """Return a decoder for the events of a 2xx response."""
        return OverChatStream(self.chat.stream(memo))

    def error(self, response: HttpResponse) -> TianjiError:
        """Return what a non-2xx answer means."""
        return self.chat.error(response)


@dataclass(slots=True)
class OverChatStream:
    """Chat chunks from the inside, completion chunks to the outside. A role alone says nothing and becomes an empty text."""

    decoder: StreamDecoder[ChatChunk]
    _offsets: dict[int, int] = field(default_factory=dict)

    def feed(self, data: bytes) -> Sequence[CompletionResponse]:
        """Return the chunks that these bytes complete."""
        return [self._chunk(chunk) for chunk in self.decoder.feed(data)]

    def close(self) -> Sequence[CompletionResponse]:
        """Return what is left."""
        return [self._chunk(chunk) for chunk in self.decoder.close()]

    def _chunk(self, chunk: ChatChunk) -> CompletionResponse:
        choices = tuple(self._choice(choice) for choice in chunk.choices)
        return CompletionResponse(id=chunk.id, created=chunk.created, model=chunk.model, choices=choices, usage=chunk.usage)

    def _choice(self, choice: ChoiceDelta) -> CompletionChoice:
        text = "".join(delta.text for delta in choice.deltas if isinstance(delta, TextDelta))
        refusal = "".join(delta.refusal for delta in choice.deltas if isinstance(delta, RefusalDelta))
        offset = self._offsets.get(choice.index, 0)
        self._offsets[choice.index] = offset + len(text + refusal)
        return _choice(
            choice.index,
            text + refusal,
            choice.finish_reason,
            thinking="".join(delta.text for delta in choice.deltas if isinstance(delta, ThinkingDelta)),
            logprobs=_logprobs(choice.logprobs, offset),
        )


def _whole_choice(choice: Choice) -> CompletionChoice:
    parts = choice.message.parts
    return _choice(
        choice.index,
        "".join(part.text if isinstance(part, Text) else part.refusal for part in parts if isinstance(part, Text | Refusal)),
        choice.finish_reason,
        thinking="".join(part.text for part in parts if isinstance(part, Thinking)),
        logprobs=_logprobs(choice.logprobs, 0),
    )


def _choice(index: int, text: str, finish_reason: str | None, *, thinking: str, logprobs: Json | None) -> CompletionChoice:
    shown: dict[str, object] = {"provider_specific_fields": {"reasoning_content": thinking}} if thinking else {}
    return CompletionChoice(index=index, text=text, finish_reason=finish_reason, logprobs=logprobs, rest=rest_of(shown))


def _logprobs(value: Json | None, offset: int) -> Json | None:
    """Return chat's list of tokens as the four parallel lists of completions; offsets count the characters of the answer."""
    content = value.get("content") if value is not None else None
    if not isinstance(content, list):
        return None
    tokens = [item for item in content if isinstance(item, dict)]
    texts = [str(item.get("token", "")) for item in tokens]
    return {
        "tokens": texts,
        "token_logprobs": [item.get("logprob") for item in tokens],
        "top_logprobs": [_top(item.get("top_logprobs")) for item in tokens],
        "text_offset": list(_offsets(texts, offset)),
    }


def _top(items: object) -> Json | None:
    if not isinstance(items, list) or not items:
        return None
    return {str(item.get("token", "")): item.get("logprob") for item in items if isinstance(item, dict)}


def _offsets(texts: Iterable[str], offset: int) -> Iterable[int]:
    for text in texts:
        yield offset
        offset += len(text)
