"""Codecs: they translate, know wire formats, keep no connection and no state.

A *provider codec* turns a canonical request into HTTP and the answer back; there is one small protocol per capability, so that a
provider without embeddings simply has no embedding codec. A *surface codec* is the reverse side. A `memo` is a frozen value that only
the codec that made it reads: it carries what decoding needs to know about the request (name maps, the caller's model name).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

from tianji_core.calls.chat import ChatChunk, ChatRequest, ChatResponse
from tianji_core.calls.completions import CompletionRequest, CompletionResponse
from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.embeddings import EmbeddingRequest, EmbeddingResponse
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import Headers, HttpRequest, HttpResponse
from tianji_core.errors import TianjiError

Request = ChatRequest | CompletionRequest | EmbeddingRequest
Response = ChatResponse | CompletionResponse | EmbeddingResponse
Chunk = ChatChunk | CompletionResponse

RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ResponseT_co = TypeVar("ResponseT_co", covariant=True)
ChunkT_co = TypeVar("ChunkT_co", covariant=True)
ChunkT_contra = TypeVar("ChunkT_contra", contravariant=True)


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, ready to send.

    Attributes:
        memo: For the same codec's `decode` and `stream`.
        dropped: Names of parameters that the provider cannot express and that were left out.
    """

    http: HttpRequest
    memo: Any
    dropped: tuple[str, ...] = ()


class StreamDecoder(Protocol[ChunkT_co]):
    """A fresh machine per call: bytes in, chunks out."""

    def feed(self, data: bytes) -> Sequence[ChunkT_co]:
        """Return the chunks that these bytes complete.

        Raises UpstreamError where the provider reports an error inside the stream, and UpstreamProtocolError for what is not its
        protocol. Chunks completed before the error in the same bytes are not lost: they are handed out by the call and the error
        is raised by the next call of `feed` or `close`.
        """
        ...

    def close(self) -> Sequence[ChunkT_co]:
        """Return what is left. Raises UpstreamProtocolError when the stream was cut short."""
        ...


class ProviderCodec(Protocol[RequestT_contra, ResponseT_co, ChunkT_co]):
    """Translate one call. Holds no connection and no state; one instance serves every call."""

    def encode(self, request: RequestT_contra, deployment: Deployment, call: CallFacts) -> Encoded:
        """Raises InvalidRequestError where the provider cannot express the request and dropping is not allowed."""
        ...

    def decode(self, response: HttpResponse, memo: Any) -> ResponseT_co:
        """Return the answer of a 2xx response; raises `error(response)` for an error body inside a 200."""
        ...

    def stream(self, memo: Any) -> StreamDecoder[ChunkT_co]:
        """Return a decoder for a 2xx event stream."""
        ...

    def error(self, response: HttpResponse) -> TianjiError:
        """Return (not raise) what a non-2xx response means, as one of our classes."""
        ...


class CountCodec(Protocol):
    """Count a chat request's input tokens at the provider."""

    def encode(self, request: ChatRequest, deployment: Deployment, call: CallFacts) -> Encoded: ...

    def decode(self, response: HttpResponse, memo: Any) -> int: ...

    def error(self, response: HttpResponse) -> TianjiError: ...


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A company's or server's API. What it cannot do is None.

    Attributes:
        name: Our id, the part before the first slash of `provider/model`.
        aliases: Other spellings of it.
        key_variables: Environment variables that may hold its key; the first that is set wins.
        base_variables: The same for its base URL.
        needs_key: Whether a call without a key makes no sense.
        needs_base_url: Whether it has no base URL of its own.
        base_template: A base URL with names of environment variables in braces; it counts where all of them are set.
        dialect: Of its chat codec.
        trusts_cost: Whether its own cost figures may be booked.
        known_prefixes: Starts of bare model names that mean this provider (`gpt-`, `claude-`).
    """

    name: str
    dialect: str
    chat: Any | None = None  # ProviderCodec[ChatRequest, ChatResponse, ChatChunk]
    completions: Any | None = None  # ProviderCodec[CompletionRequest, CompletionResponse, CompletionResponse]
    embeddings: Any | None = None  # ProviderCodec[EmbeddingRequest, EmbeddingResponse, EmbeddingResponse]
    count_tokens: CountCodec | None = None
    aliases: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ()
    base_variables: tuple[str, ...] = ()
    needs_key: bool = True
    needs_base_url: bool = False
    base_template: str | None = None
    trusts_cost: bool = False
    known_prefixes: tuple[str, ...] = ()


# --- surfaces -----------------------------------------------------------------------------------------------------------


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """A client's body, understood. `memo` is for the same surface's encoding side."""

    request: Any  # one of Request
    controls: Controls
    memo: Any
    raw: ClassVar[None] = None

    @property
    def model(self) -> str:
        """As the client wrote it."""
        return str(self.request.model)

    @property
    def stream(self) -> bool:
        """Whether a streamed answer is asked for."""
        return getattr(self.request, "stream", False)

    @property
    def end_user(self) -> str | None:
        """For whom the client calls."""
        end_user: str | None = self.request.end_user
        return end_user


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes for the caller. `content` says whether the answer is committed with it: text, reasoning, a tool call or an end."""

    data: bytes
    content: bool = True


class SurfaceStream(Protocol[ChunkT_contra]):
    """A fresh machine per call: canonical chunks in, the surface's events out."""

    def feed(self, chunk: ChunkT_contra) -> list[Event]: ...

    def close(self) -> list[Event]:
        """Return the end of a complete stream, terminator included."""
        ...

    def error(self, error: TianjiError, request_id: str) -> list[Event]:
        """Return the one event that tells of an error after the answer was committed; no terminator follows."""
        ...

    def keep_alive(self) -> bytes:
        """Return what keeps an idle connection open and means nothing."""
        ...


class SurfaceCodec(Protocol):
    """One inbound wire format of one kind of call."""

    def decode(self, body: Mapping[str, object], model: str | None, headers: Headers) -> Decoded:
        """Read a client's JSON object. `model` comes from the path, if the route has it there, and wins.

        Raises InvalidRequestError with `param` as the surface's own API would write it.
        """
        ...

    def encode(self, response: Any, memo: Any) -> bytes: ...

    def stream(self, memo: Any) -> SurfaceStream[Any]: ...


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """An inbound wire format.

    Attributes:
        operation: `chat`, `text_completion` or `embeddings`.
        dialect: Of its codec.
        paths: Route templates without the `/v1` prefix.
        envelope: Which error envelope it speaks: `openai` or `anthropic`.
    """

    name: str
    operation: str
    dialect: str
    codec: SurfaceCodec
    paths: tuple[str, ...]
    envelope: str


def names(parts: Sequence[str]) -> str:
    """Return a list for a message: `a`, `b` and `c`."""
    quoted = [f"`{part}`" for part in parts]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]


__all__ = [
    "Chunk",
    "CountCodec",
    "Decoded",
    "Encoded",
    "Event",
    "Provider",
    "ProviderCodec",
    "Request",
    "Response",
    "StreamDecoder",
    "Surface",
    "SurfaceCodec",
    "SurfaceStream",
    "names",
]
