"""A client's request of which only the top level is read: for a provider of its own dialect that is enough."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from tianji_core.calls.controls import Controls
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import Headers
from tianji_core.shapes.codecs import Decoded, Encoded, Request


class RawRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A body whose values keep their bytes.

    Attributes:
        dialect: Of the surface it came in by.
        model: As the client wrote it.
        fields: The top level in the client's order, without fields that steer the gateway, nulls, and `extra_body`.
        known: The dialect's narrow reading of the body; only that dialect's codecs look at it.
        output: The most tokens that one answer may have, as the client says.
        choices: How many answers are asked for.
        has_tools: Functions or a shape of the answer are asked for.
        is_plain: The messages hold text and calls of the client's own functions, and no tool is run by the provider.
        extra_body: The client's `extra_body`, merged last into what is sent.
        forward_headers: Headers of the client that its own dialect takes upstream.
    """

    dialect: str
    model: str
    fields: Mapping[str, msgspec.Raw]
    known: Any
    stream: bool = False
    end_user: str | None = None
    output: int | None = None
    choices: int = 1
    has_tools: bool = False
    is_plain: bool = False
    extra_body: Mapping[str, msgspec.Raw] = {}
    forward_headers: Headers = ()


@dataclass(slots=True)
class RawDecoded:
    """A client's body, understood as far as its own dialect needs it; stands where `Decoded` does.

    Attributes:
        canonical: Reads the whole body.
    """

    controls: Controls
    memo: Any
    raw: RawRequest
    canonical: Callable[[], Decoded]
    _request: Request | None = None

    @property
    def request(self) -> Any:
        """The canonical request, made when it is first asked for.

        Raises:
            InvalidRequestError: something inside a message has the wrong type.
        """
        if self._request is None:
            self._request = self.canonical().request
        return self._request

    @property
    def model(self) -> str:
        """As the client wrote it."""
        return self.raw.model

    @property
    def stream(self) -> bool:
        """Whether a streamed answer is asked for."""
        return self.raw.stream

    @property
    def end_user(self) -> str | None:
        """For whom the client calls."""
        return self.raw.end_user


ReadBody = Decoded | RawDecoded
"""A client's body, whichever way it was read. Asking a `RawDecoded` for its `request` has a price: it decodes the whole body."""


class RawSurfaceCodec(Protocol):
    """A surface codec that can leave a body's values undecoded."""

    def read(self, body: bytes, model: str | None, headers: Headers) -> RawDecoded | None:
        """Return the body's top level; None where something in it has no narrow reading, or is wrong: then `decode` says what.

        Raises:
            InvalidRequestError: a field that steers the gateway is wrong.
        """
        ...


class RawProviderCodec(Protocol):
    """A provider codec that can send a client's own bytes."""

    def encode_raw(self, raw: RawRequest, deployment: Deployment, call: CallFacts) -> Encoded | None:
        """Return what `encode` returns for the same request; None where only `encode` can: it then also says what is wrong."""
        ...
