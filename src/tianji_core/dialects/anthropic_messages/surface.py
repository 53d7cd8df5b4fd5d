"""The surface side of Anthropic's Messages dialect, and of its token count."""

from collections.abc import Mapping
from typing import NoReturn

import msgspec

from tianji_core.calls.chat import ChatResponse
from tianji_core.calls.http import Headers
from tianji_core.dialects.anthropic_messages.memo import SurfaceMemo
from tianji_core.dialects.anthropic_messages.request import decode_request
from tianji_core.dialects.anthropic_messages.response_encode import encode_response
from tianji_core.dialects.anthropic_messages.stream_encode import MessagesStreamEncoder
from tianji_core.dialects.anthropic_messages.undecoded import read_request
from tianji_core.errors import InvalidRequestError
from tianji_core.shapes.codecs import Decoded
from tianji_core.shapes.raw_requests import RawDecoded
from tianji_core.translation.controls import take_controls
from tianji_core.translation.undecoded import steer, top_level
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import UNREADABLE, decode_object, encode

_FORWARDED = ("anthropic-version", "anthropic-beta")


def _forwarded(headers: Headers) -> Headers:
    return tuple([pair for pair in headers if pair[0] in _FORWARDED])


def _decode(body: Mapping[str, object], model: str | None, headers: Headers, *, counts: bool) -> Decoded:
    fields = Fields(dict(body), index="{}")
    controls = take_controls(fields, headers)
    named = fields.text("model")
    asked = model or named
    fields.required("model", asked or None)
    request = decode_request(fields, asked or "", _forwarded(headers), needs_max_tokens=not counts)
    if counts:
        request = msgspec.structs.replace(request, stream=False)
    return Decoded(request=request, controls=controls, memo=SurfaceMemo(model=request.model))


class MessagesSurface(msgspec.Struct, frozen=True):
    """Reads a client's Messages request and writes its answer."""

    def decode(self, body: Mapping[str, object], model: str | None, headers: Headers) -> Decoded:
        """Return the canonical request.

        Raises:
            InvalidRequestError: `param` names the field as Anthropic's API does.
        """
        return _decode(body, model, headers, counts=False)

    def read(self, body: bytes, model: str | None, headers: Headers) -> RawDecoded | None:
        """Return the body's top level; None where only `decode` can tell what is meant, or what is wrong.

        Raises:
            InvalidRequestError: a field that steers the gateway is wrong.
        """
        try:
            fields = top_level(body)
            controls = steer(fields, headers, index="{}")
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

    def stream(self, memo: SurfaceMemo) -> MessagesStreamEncoder:
        """Return a fresh encoder."""
        return MessagesStreamEncoder(memo)


class CountTokensCodec(msgspec.Struct, frozen=True):
    """Reads a Messages request whose input is to be counted, and writes the count."""

    def decode(self, body: Mapping[str, object], model: str | None, headers: Headers) -> Decoded:
        """Return the canonical chat request; `max_tokens` may be absent.

        Raises:
            InvalidRequestError: `param` names the field as Anthropic's API does.
        """
        return _decode(body, model, headers, counts=True)

    def encode(self, response: int, memo: SurfaceMemo) -> bytes:
        """Return the bytes of a count."""
        return encode({"input_tokens": response})

    def stream(self, memo: SurfaceMemo) -> NoReturn:
        """Refuse: a count is one number.

        Raises:
            InvalidRequestError: always.
        """
        raise InvalidRequestError("a token count is not streamed", param="stream")
