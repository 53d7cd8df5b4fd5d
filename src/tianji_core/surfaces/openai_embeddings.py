"""OpenAI's embeddings. Source: OpenAI's API reference, `POST /v1/embeddings`."""

from collections.abc import Mapping

import msgspec

from tianji_core.calls.embeddings import EmbeddingResponse
from tianji_core.calls.http import Headers
from tianji_core.dialects.openai_embeddings import DIALECT, EmbeddingMemo, decode_request, encode_answer, never_streamed
from tianji_core.shapes.codecs import Decoded, Surface, SurfaceStream
from tianji_core.translation.controls import take_controls
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import encode


class OpenAIEmbeddingsSurface(msgspec.Struct, frozen=True):
    """Reads a client's embeddings request and writes its answer."""

    def decode(self, body: Mapping[str, object], model: str | None, headers: Headers) -> Decoded:
        """Return the canonical request.

        Raises:
            InvalidRequestError: `param` names the field as OpenAI's API does.
        """
        fields = Fields(dict(body))
        controls = take_controls(fields, headers)
        named = fields.text("model")
        asked = model or named
        fields.required("model", asked or None)
        if fields.boolean("stream"):
            raise never_streamed()
        request = decode_request(fields, asked or "")
        memo = EmbeddingMemo(model=request.model, encoding_format=request.encoding_format)
        return Decoded(request=request, controls=controls, memo=memo)

    def encode(self, response: EmbeddingResponse, memo: EmbeddingMemo) -> bytes:
        """Return the bytes of the answer; raises UpstreamProtocolError for a vector that is none."""
        return encode(encode_answer(response, memo))

    def stream(self, memo: EmbeddingMemo) -> SurfaceStream[EmbeddingResponse]:
        """Raise: there is no streamed form.

        Raises:
            InvalidRequestError: always.
        """
        raise never_streamed()


SURFACE = Surface(
    name="openai_embeddings",
    operation="embeddings",
    dialect=DIALECT,
    codec=OpenAIEmbeddingsSurface(),
    paths=("/embeddings", "/engines/{model}/embeddings", "/openai/deployments/{model}/embeddings"),
    envelope="openai",
)
