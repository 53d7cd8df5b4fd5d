"""The surface side of OpenAI's chat dialect."""

from collections.abc import Mapping

import msgspec

from tianji_core.calls.chat import ChatResponse
from tianji_core.calls.http import Headers
from tianji_core.dialects.openai_chat.memo import SurfaceMemo
from tianji_core.dialects.openai_chat.request import decode_request
from tianji_core.dialects.openai_chat.response import encode_response
from tianji_core.dialects.openai_chat.stream_encode import ChatStreamEncoder
from tianji_core.dialects.openai_chat.undecoded import read_request
from tianji_core.shapes.codecs import Decoded
from tianji_core.shapes.raw_requests import RawDecoded
from tianji_core.translation.controls import take_controls
from tianji_core.translation.undecoded import steer, top_level
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import UNREADABLE, decode_object

_FORWARDED = ("openai-beta",)


class OpenAIChatSurface(msgspec.Struct, frozen=True):
    """Reads a client's chat completion request and writes its answer."""

    def decode(self, body: Mapping[str, object], model: str | None, headers: Headers) -> Decoded:
        """Return the canonical request.

        Raises:
            InvalidRequestError: `param` names the field as OpenAI's API does.
        """
        fields = Fields(dict(body))
        controls = take_controls(fields, headers)
        legacy = bool(fields.values.get("functions"))
        named = fields.text("model")
        asked = model or named
        fields.required("model", asked or None)
        request = decode_request(fields, asked or "", _forwarded(headers))
        memo = SurfaceMemo(model=request.model, include_usage=request.include_usage, legacy_functions=legacy)
        return Decoded(request=request, controls=controls, memo=memo)

    def read(self, body: bytes, model: str | None, headers: Headers) -> RawDecoded | None:
        """Return the body's top level; None where only `decode` can tell what is meant, or what is wrong.

        Raises:
            InvalidRequestError: a field that steers the gateway is wrong.
        """
        try:
            fields = top_level(body)
            controls = steer(fields, headers)
            read = read_request(body, fields, model, _forwarded(headers))
        except UNREADABLE:
            return None
        if read is None:
            return None
        raw, memo = read
        return RawDecoded(controls, memo, raw, lambda: self.decode(decode_object(body), model, headers))

    def encode(self, response: ChatResponse, memo: SurfaceMemo) -> bytes:
        """Return the bytes of a whole answer."""
        return encode_response(response, memo)

    def stream(self, memo: SurfaceMemo) -> ChatStreamEncoder:
        """Return a fresh encoder."""
        return ChatStreamEncoder(memo)


def _forwarded(headers: Headers) -> Headers:
    return tuple([pair for pair in headers if pair[0] in _FORWARDED])
