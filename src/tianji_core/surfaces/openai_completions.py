"""OpenAI's legacy completions. Source: OpenAI's API reference, `POST /v1/completions`."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from tianji_core.calls.completions import CompletionResponse
from tianji_core.calls.http import Headers
from tianji_core.calls.usage import Usage
from tianji_core.dialects.openai_chat.memo import SurfaceMemo
from tianji_core.dialects.openai_chat.usage import encode_usage
from tianji_core.dialects.openai_completions import DIALECT, decode_request, encode_answer, encode_whole
from tianji_core.envelopes import openai_object
from tianji_core.errors import TianjiError
from tianji_core.shapes.codecs import Decoded, Event, Surface
from tianji_core.translation.controls import take_controls
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import encode
from tianji_core.wire.sse import encode_event

_DONE = Event(data=b"data: [DONE]\n\n")


class OpenAICompletionsSurface(msgspec.Struct, frozen=True):
    """Reads a client's completions request and writes its answer."""

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
        request = decode_request(fields, asked or "")
        return Decoded(request=request, controls=controls, memo=SurfaceMemo(model=request.model, include_usage=request.include_usage))

    def encode(self, response: CompletionResponse, memo: SurfaceMemo) -> bytes:
        """Return the bytes of a whole answer."""
        return encode(encode_whole(response, memo))

    def stream(self, memo: SurfaceMemo) -> "CompletionStreamEncoder":
        """Return a fresh encoder."""
        return CompletionStreamEncoder(memo)


@dataclass(slots=True)
class CompletionStreamEncoder:
    """Chunks in, events out. The usage chunk and `[DONE]` come with `close()`."""

    memo: SurfaceMemo
    _last: CompletionResponse | None = None
    _usage: Usage | None = None

    def feed(self, chunk: CompletionResponse) -> list[Event]:
        """Return the event of one chunk; one that carries usage alone is kept for the end."""
        self._last = chunk
        if chunk.usage is not None:
            self._usage = chunk.usage if self._usage is None else self._usage.replaced_by(chunk.usage)
        if not chunk.choices:
            return []
        unsaid: dict[str, object] = {"usage": None} if self.memo.include_usage else {}
        content = any(choice.text or choice.finish_reason is not None for choice in chunk.choices)
        return [Event(data=encode_event(encode({**unsaid, **encode_answer(chunk, self.memo)})), content=content)]

    def close(self) -> list[Event]:
        """Return the usage chunk, if the client asked for it, and the terminator."""
        if not self.memo.include_usage or self._usage is None or self._last is None:
            return [_DONE]
        head = msgspec.structs.replace(self._last, choices=(), rest=None)
        return [Event(data=encode_event(encode({**encode_answer(head, self.memo), "usage": encode_usage(self._usage)}))), _DONE]

    def error(self, error: TianjiError, request_id: str) -> list[Event]:
        """Return the one event of an error; the SDKs raise on it."""
        return [Event(data=encode_event(encode({"error": {**openai_object(error), "request_id": request_id}})))]

    def keep_alive(self) -> bytes:
        """Return a comment, which every client ignores."""
        return b": keep-alive\n\n"


SURFACE = Surface(
    name="openai_completions",
    operation="text_completion",
    dialect=DIALECT,
    codec=OpenAICompletionsSurface(),
    paths=("/completions", "/engines/{model}/completions", "/openai/deployments/{model}/completions"),
    envelope="openai",
)
