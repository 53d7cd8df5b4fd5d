"""OpenAI's embeddings, both directions. Source: OpenAI's Python SDK, `CreateEmbeddingResponse` and its parameters.

A vector travels as numbers or as base64 of little-endian float32. OpenAI's own SDKs ask for base64 unless told otherwise; a server
that answers in the other form than asked for is translated, so that the caller always gets what it asked for.
"""

import base64
import binascii
import struct
from collections.abc import Sequence

import msgspec

from tianji_core.calls.chat import Json, Rest
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.embeddings import Embedding, EmbeddingRequest, EmbeddingResponse
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import HttpResponse
from tianji_core.calls.usage import Usage
from tianji_core.dialects.openai_chat.codec import Server
from tianji_core.dialects.openai_chat.errors import error_of, stream_error
from tianji_core.dialects.openai_chat.memo import ProviderMemo
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.usage import decode_usage, encode_usage
from tianji_core.dialects.token_inputs import take_inputs, wire_inputs
from tianji_core.errors import InvalidRequestError, TianjiError, UpstreamProtocolError
from tianji_core.shapes.codecs import Encoded, StreamDecoder
from tianji_core.translation.parameters import Dropping
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import decode_upstream

DIALECT = "openai_embeddings"
MAX_INPUTS = 2048


class EmbeddingMemo(msgspec.Struct, frozen=True, kw_only=True):
    """For the surface side: the caller's name of the model, and the form of the vectors that it asked for, if any."""

    model: str
    encoding_format: str | None = None


class _Item(msgspec.Struct, frozen=True):
    embedding: tuple[float, ...] | str
    index: int | None = None


# Vectors are many numbers: they are decoded straight to floats, past the exact decoder that the rest goes through.
_ITEMS = msgspec.json.Decoder(tuple[_Item, ...])
_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode_request(body: Fields, model: str) -> EmbeddingRequest:
    """Return the canonical request; `model` and the control fields were taken before.

    Raises:
        InvalidRequestError: a field is missing or has the wrong type; `param` is its path.
    """
    inputs, single = take_inputs(body, "input", most=MAX_INPUTS)
    encoding = body.text("encoding_format")
    if encoding not in (None, "float", "base64"):
        raise body.invalid("encoding_format", "expected `float` or `base64`")
    dimensions = body.integer("dimensions")
    if dimensions is not None and dimensions < 1:
        raise body.invalid("dimensions", "expected an integer of at least 1")
    # Read by the gateway for attribution; this API has no such field.
    body.mapping("metadata")
    end_user, extra_body = body.text("user"), body.mapping("extra_body") or {}
    rest = {name: value for name, value in body.values.items() if value is not None}
    return EmbeddingRequest(
        dialect=DIALECT,
        model=model,
        input=inputs,
        single=single,
        dimensions=dimensions,
        encoding_format=encoding,
        end_user=end_user,
        extra_body=extra_body,
        rest=Rest(DIALECT, rest) if rest else None,
    )


def encode_body(request: EmbeddingRequest, deployment: Deployment, quirks: Quirks, dropping: Dropping) -> dict[str, object]:
    """Return the JSON body for a server; what it leaves out is named in `dropping`.

    Raises:
        UnsupportedParameterError: the server has no `dimensions` and the deployment's mode is `refuse`.
    """
    body: dict[str, object] = {"model": deployment.model, "input": wire_inputs(request.input, single=request.single)}
    if request.dimensions is not None:
        if "dimensions" in quirks.unsupported:
            dropping.unsupported("dimensions", request.dimensions)
        else:
            body["dimensions"] = request.dimensions
    # Where the server has no choice of form nothing is lost: the answer is translated.
    if request.encoding_format is not None and "encoding_format" not in quirks.unsupported:
        body["encoding_format"] = request.encoding_format
    if request.end_user is not None and "user" not in quirks.unsupported:
        body["user"] = request.end_user
    body = {**deployment.extra_body, **body, **(request.rest.of(DIALECT) if request.rest else {})}
    kept = dropping.without(body, deployment.dropped_parameters)
    return {**{quirks.renames.get(name, name): value for name, value in kept.items()}, **request.extra_body}


def decode_answer(body: bytes, memo: ProviderMemo) -> EmbeddingResponse:
    """Return the canonical answer, its vectors in the order of the input.

    Raises:
        UpstreamError: the body is an error inside a 200, or not a list of embeddings.
    """
    try:
        top = _TOP.decode(body)
        items = _ITEMS.decode(top.pop("data")) if "data" in top else ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_embeddings(memo, str(error)) from None
    value = decode_upstream(msgspec.json.encode(top), memo.provider)
    if value.get("error"):
        raise stream_error(value["error"], memo.provider)
    if not items:
        raise _not_embeddings(memo, "it has no `data`")
    try:
        return _decode(Fields(value), items, memo)
    except InvalidRequestError as error:  # the same checks as for a client, but here the provider is to blame
        raise _not_embeddings(memo, error.message) from None


def _decode(fields: Fields, items: Sequence[_Item], memo: ProviderMemo) -> EmbeddingResponse:
    usage, model = fields.mapping("usage"), fields.text("model")
    fields.values.pop("object", None)
    rest = {name: value for name, value in fields.values.items() if value is not None}
    return EmbeddingResponse(
        model=model or memo.model,
        data=_in_order(items),
        usage=_decode_usage(usage) if usage is not None else None,
        rest=Rest(DIALECT, rest) if rest else None,
    )


def _in_order(items: Sequence[_Item]) -> tuple[Embedding, ...]:
    indices = [item.index for item in items]
    if None in indices or len(set(indices)) < len(items):  # some servers count nothing, or send 0 with every vector
        return tuple(Embedding(index=position, vector=item.embedding) for position, item in enumerate(items))
    found = (Embedding(index=item.index or 0, vector=item.embedding) for item in items)
    return tuple(sorted(found, key=lambda embedding: embedding.index))


def _decode_usage(usage: Json) -> Usage:
    if usage.get("prompt_tokens") is None and usage.get("total_tokens") is not None:
        usage = {**usage, "prompt_tokens": usage["total_tokens"]}
    return decode_usage(usage)


def encode_answer(answer: EmbeddingResponse, memo: EmbeddingMemo) -> dict[str, object]:
    """Return the answer as OpenAI writes it, each vector in the form that the caller asked for.

    Raises:
        UpstreamProtocolError: a vector cannot be brought into that form.
    """
    data = [{"object": "embedding", "index": item.index, "embedding": in_form(item.vector, memo.encoding_format)} for item in answer.data]
    value: dict[str, object] = {"object": "list", "data": data, "model": memo.model}
    if answer.usage is not None:
        value["usage"] = _encode_usage(answer.usage)
    return {**value, **(answer.rest.of(DIALECT) if answer.rest else {})}


def _encode_usage(usage: Usage) -> Json:
    """Embeddings have no completion: OpenAI leaves its count out."""
    value = encode_usage(usage)
    return value if usage.output_total is not None else {name: count for name, count in value.items() if name != "completion_tokens"}


def in_form(vector: tuple[float, ...] | str, encoding_format: str | None) -> tuple[float, ...] | str:
    """Return a vector as base64 of little-endian float32 (`base64`), else as numbers: who does not ask gets those, as from OpenAI.

    Raises:
        UpstreamProtocolError: it is no base64 of whole floats, or a number is too large for a float32.
    """
    try:
        if encoding_format == "base64" and not isinstance(vector, str):
            return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        if encoding_format != "base64" and isinstance(vector, str):
            data = base64.b64decode(vector, validate=True)
            return struct.unpack(f"<{len(data) // 4}f", data)
    except (binascii.Error, struct.error, OverflowError, ValueError) as error:
        raise UpstreamProtocolError(f"the provider's vector cannot be read: {error}") from None
    return vector


class OpenAIEmbeddings(msgspec.Struct, frozen=True, kw_only=True):
    """Translate one embeddings call to and from an OpenAI-compatible server."""

    server: Server

    def encode(self, request: EmbeddingRequest, deployment: Deployment, call: CallFacts) -> Encoded:
        """Return the request of one attempt.

        Raises:
            UnsupportedParameterError: the server cannot express a parameter and the deployment's mode is `refuse`.
        """
        dropping = Dropping(deployment)
        body = encode_body(request, deployment, self.server.quirks, dropping)
        memo = ProviderMemo(facts=call, provider=self.server.provider, model=deployment.model, quirks=self.server.quirks)
        return Encoded(http=self.server.post("/embeddings", deployment, body), memo=memo, dropped=tuple(dropping.names))

    def decode(self, response: HttpResponse, memo: ProviderMemo) -> EmbeddingResponse:
        """Return the answer of a 2xx response."""
        return decode_answer(response.body, memo)

    def stream(self, memo: ProviderMemo) -> StreamDecoder[EmbeddingResponse]:
        """Raise: there is no streamed form.

        Raises:
            InvalidRequestError: always.
        """
        raise never_streamed()

    def error(self, response: HttpResponse) -> TianjiError:
        """Return what a non-2xx answer means."""
        return error_of(response, self.server.provider)


def never_streamed() -> InvalidRequestError:
    """Return the complaint about a wish to stream embeddings."""
    return InvalidRequestError("embeddings are answered whole, never streamed", param="stream", code="invalid_value")


def _not_embeddings(memo: ProviderMemo, reason: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(f"{memo.provider} answered something that is not a list of embeddings: {reason}", provider=memo.provider)
