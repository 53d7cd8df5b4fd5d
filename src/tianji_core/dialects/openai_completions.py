"""OpenAI's legacy completions (a prompt is continued), both directions. Source: OpenAI's Python SDK, `Completion` and its parameters.

A streamed chunk has the shape of a whole answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from tianji_core.calls.chat import Rest
from tianji_core.calls.completions import CompletionChoice, CompletionRequest, CompletionResponse
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.openai_chat.codec import Server
from tianji_core.dialects.openai_chat.errors import error_of, stream_error
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.request import take_parameters, take_stop
from tianji_core.dialects.openai_chat.response import usage_of
from tianji_core.dialects.openai_chat.usage import encode_usage
from tianji_core.dialects.token_inputs import take_inputs, wire_inputs
from tianji_core.errors import InvalidRequestError, TianjiError, UpstreamProtocolError
from tianji_core.shapes.codecs import Encoded
from tianji_core.translation.cut_streams import cut_stream
from tianji_core.translation.derived_ids import derived_id
from tianji_core.translation.parameters import Dropping
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_upstream
from tianji_core.wire.sse import SseDecoder

DIALECT = "openai_completions"
PARAMETERS = {
    "best_of": "integer",
    "echo": "boolean",
    "frequency_penalty": "number",
    "logit_bias": "object",
    "logprobs": "integer",
    "n": "integer",
    "presence_penalty": "number",
    "seed": "integer",
    "suffix": "string",
    "temperature": "number",
    "top_p": "number",
}


def decode_request(body: Fields, model: str) -> CompletionRequest:
    """Return the canonical request; `model` and the control fields were taken before.

    Raises:
        InvalidRequestError: a field is missing or has the wrong type; `param` is its path.
    """
    prompt, single = take_inputs(body, "prompt")
    stream = body.boolean("stream") or False
    options = _stream_options(body, stream=stream)
    include_usage = options.boolean("include_usage") or False
    tokens = body.integer("max_tokens")
    if tokens is not None and tokens < 0:
        raise body.invalid("max_tokens", "expected an integer of at least 0")
    # Read by the gateway for attribution; this API has no such field.
    body.mapping("metadata")
    return CompletionRequest(
        dialect=DIALECT,
        model=model,
        prompt=prompt,
        single=single,
        max_output_tokens=tokens,
        stop=take_stop(body),
        stream=stream,
        include_usage=include_usage,
        end_user=body.text("user"),
        parameters=_parameters(body),
        extra_body=body.mapping("extra_body") or {},
        rest=rest_of({**body.values, **({"stream_options": options.values} if options.values else {})}),
    )


def _stream_options(body: Fields, *, stream: bool) -> Fields:
    options = body.mapping("stream_options")
    if options is not None and not stream:
        raise body.invalid("stream_options", "it is only allowed when `stream` is true")
    return body.inside(options or {}, "stream_options")


def _parameters(body: Fields) -> dict[str, object]:
    parameters = take_parameters(body, PARAMETERS)
    for name, least, most in (("n", 1, 128), ("best_of", 1, 128), ("logprobs", 0, 2**31)):
        value = parameters.get(name)
        if isinstance(value, int) and not least <= value <= most:
            raise body.invalid(name, f"expected an integer from {least} to {most}")
    return parameters


def rest_of(values: dict[str, object]) -> Rest | None:
    """Return what is left of an object, or None when nothing is; null says nothing."""
    kept = {name: value for name, value in values.items() if value is not None}
    return Rest(DIALECT, kept) if kept else None


def encode_body(request: CompletionRequest, deployment: Deployment, quirks: Quirks, dropping: Dropping) -> dict[str, object]:
    """Return the JSON body for a server; what it leaves out is named in `dropping`.

    Raises:
        UnsupportedParameterError: a parameter cannot be expressed and the deployment's mode is `refuse`.
    """
    body: dict[str, object] = {"model": deployment.model, "prompt": wire_inputs(request.prompt, single=request.single)}
    for name, value in request.parameters.items():
        if name in quirks.unsupported:
            dropping.unsupported(name, value)
        else:
            body[name] = value
    if request.max_output_tokens is not None:
        body["max_tokens"] = request.max_output_tokens
    if request.stop:
        body["stop"] = request.stop
    if request.end_user is not None:
        body["user"] = request.end_user
    temperature = body.get("temperature")
    if quirks.max_temperature is not None and isinstance(temperature, int | Decimal):
        body["temperature"] = min(temperature, Decimal(quirks.max_temperature))
    body = {**deployment.extra_body, **body, **(request.rest.of(DIALECT) if request.rest else {})}
    options = body.pop("stream_options", None)
    if request.stream:
        body["stream"] = True
        if not quirks.no_stream_options:
            body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    return {**dropping.without(body, deployment.dropped_parameters), **request.extra_body}


def decode_answer(fields: Fields, memo: ProviderMemo) -> CompletionResponse:
    """Return the canonical answer or chunk; raises InvalidRequestError where the types are wrong."""
    if fields.values.get("choices") is None:
        fields.required("choices", None)
    choices = tuple(_decode_choice(fields.inside(value, "choices", at), at) for at, value in enumerate(fields.objects("choices")))
    fields.values.pop("object", None)
    usage = fields.mapping("usage")
    return CompletionResponse(
        id=fields.text("id") or derived_id("cmpl-", memo.facts.call_id),
        created=fields.integer("created") or memo.facts.created,
        model=fields.text("model") or memo.model,
        choices=choices,
        usage=usage_of(usage, fields.values, memo.quirks),
        rest=rest_of(fields.values),
    )


def _decode_choice(choice: Fields, position: int) -> CompletionChoice:
    index = choice.integer("index")
    return CompletionChoice(
        index=position if index is None else index,
        text=choice.text("text") or "",
        finish_reason=choice.text("finish_reason") or None,
        logprobs=choice.mapping("logprobs"),
        rest=rest_of(choice.values),
    )


def encode_answer(answer: CompletionResponse, memo: SurfaceMemo) -> dict[str, object]:
    """Return the answer or chunk as OpenAI writes it, without its usage."""
    value: dict[str, object] = {
        "id": answer.id,
        "object": "text_completion",
        "created": answer.created,
        "model": memo.model,
        "choices": [_encode_choice(choice) for choice in answer.choices],
    }
    return {**value, **(answer.rest.of(DIALECT) if answer.rest else {})}


def encode_whole(answer: CompletionResponse, memo: SurfaceMemo) -> dict[str, object]:
    """Return a whole answer as OpenAI writes it."""
    value = encode_answer(answer, memo)
    return value if answer.usage is None else {**value, "usage": encode_usage(answer.usage)}


def _encode_choice(choice: CompletionChoice) -> dict[str, object]:
    value: dict[str, object] = {
        "text": choice.text,
        "index": choice.index,
        "logprobs": choice.logprobs,
        "finish_reason": choice.finish_reason,
    }
    return {**value, **(choice.rest.of(DIALECT) if choice.rest else {})}


class OpenAICompletions(msgspec.Struct, frozen=True, kw_only=True):
    """Translate one completions call to and from an OpenAI-compatible server."""

    server: Server

    def encode(self, request: CompletionRequest, deployment: Deployment, call: CallFacts) -> Encoded:
        """Return the request of one attempt.

        Raises:
            UnsupportedParameterError: the server cannot express a parameter and the deployment's mode is `refuse`.
        """
        dropping = Dropping(deployment)
        body = encode_body(request, deployment, self.server.quirks, dropping)
        memo = ProviderMemo(facts=call, provider=self.server.provider, model=deployment.model, quirks=self.server.quirks)
        return Encoded(http=self.server.post("/completions", deployment, body), memo=memo, dropped=tuple(dropping.names))

    def decode(self, response: HttpResponse, memo: ProviderMemo) -> CompletionResponse:
        """Return the answer of a 2xx response.

        Raises:
            UpstreamError: the body is an error inside a 200, or not a completion.
        """
        return _from_server(decode_upstream(response.body, memo.provider), memo)

    def stream(self, memo: ProviderMemo) -> "CompletionStreamDecoder":
        """Return a decoder for the events of a 2xx response."""
        return CompletionStreamDecoder(memo)

    def error(self, response: HttpResponse) -> TianjiError:
        """Return what a non-2xx answer means."""
        return error_of(response, self.server.provider)


def _from_server(value: dict[str, object], memo: ProviderMemo) -> CompletionResponse:
    if value.get("error"):
        raise stream_error(value["error"], memo.provider)
    try:
        return decode_answer(Fields(value), memo)
    except InvalidRequestError as error:  # the same checks as for a client, but here the provider is to blame
        raise UpstreamProtocolError(
            f"{memo.provider} answered something that is not a completion: {error.message}", provider=memo.provider
        ) from None


@dataclass(slots=True)
class CompletionStreamDecoder:
    """Bytes in, chunks out. Complete when `[DONE]` came, or when every choice that was seen has finished.

    An error leaves after the chunks that came before it.
    """

    memo: ProviderMemo
    _sse: SseDecoder = field(default_factory=SseDecoder)
    _open: set[int] = field(default_factory=set)
    _finished: set[int] = field(default_factory=set)
    _done: bool = False
    _failure: TianjiError | None = None

    def feed(self, data: bytes) -> Sequence[CompletionResponse]:
        """Return the chunks that these bytes complete.

        Raises:
            UpstreamError: the server reported one, or broke its protocol, before these bytes.
        """
        self._raise_failure()
        chunks: list[CompletionResponse] = []
        try:
            for event in self._sse.feed(data):
                chunk = self._take(event.name, event.data)
                if chunk is not None:
                    chunks.append(chunk)
        except TianjiError as error:
            self._failure = error
            if not chunks:
                raise
        return chunks

    def close(self) -> Sequence[CompletionResponse]:
        """Check that the stream was complete.

        Raises:
            UpstreamProtocolError: it ended before its final event.
        """
        self._raise_failure()
        if not self._done and (not self._open or self._open - self._finished):
            raise cut_stream(self.memo.provider)
        return ()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _take(self, name: str, data: bytes) -> CompletionResponse | None:
        if self._done:
            return None
        if data.strip() == b"[DONE]":
            self._done = True
            return None
        value = decode_upstream(data, self.memo.provider)
        if name == "error" and not value.get("error"):
            raise stream_error(value, self.memo.provider)
        value.setdefault("choices", [])
        unasked = value.get("usage") if value.get("choices") else None
        chunk = _from_server(value, self.memo)
        for choice in chunk.choices:
            self._open.add(choice.index)
            if choice.finish_reason is not None:
                self._finished.add(choice.index)
        if unasked is None:
            return chunk
        # Usage beside choices comes unasked: it stays where the server put it.
        return msgspec.structs.replace(chunk, rest=rest_of({**(chunk.rest.fields if chunk.rest else {}), "usage": unasked}))
