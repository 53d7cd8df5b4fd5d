"""The provider side of OpenAI's chat dialect: one frozen codec for every server that speaks it."""

import msgspec

from tianji_core.calls.chat import ChatRequest, ChatResponse
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import Auth, Bearer, HeaderKey, Headers, HttpRequest, HttpResponse, NoAuth
from tianji_core.dialects.openai_chat.address import operation_url
from tianji_core.dialects.openai_chat.encode import encode_body
from tianji_core.dialects.openai_chat.encode_undecoded import encode_undecoded
from tianji_core.dialects.openai_chat.errors import error_of
from tianji_core.dialects.openai_chat.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.dialects.openai_chat.passing import PassingChat, passing
from tianji_core.dialects.openai_chat.prepare import prepare
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.response import decode_response
from tianji_core.dialects.openai_chat.stream_decode import ChatStreamDecoder
from tianji_core.errors import ConfigurationError, TianjiError, UnsupportedParameterError
from tianji_core.shapes.codecs import Encoded
from tianji_core.shapes.raw_requests import RawRequest
from tianji_core.translation.parameters import Dropping
from tianji_core.wire.json import encode


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenAI-compatible server: where it is and how it differs. Shared by the chat, completions and embeddings codecs.

    Attributes:
        base_url: Its own; None where every deployment must name one.
        version: Added to a base URL without a path; None for an API without a version.
    """

    provider: str
    base_url: str | None
    version: str | None = "/v1"
    quirks: Quirks = Quirks()

    def post(self, operation: str, deployment: Deployment, body: dict[str, object], forwarded: Headers = ()) -> HttpRequest:
        """Return the request for an operation such as `/chat/completions`.

        Raises:
            ConfigurationError: neither the provider nor the deployment has a base URL.
        """
        base_url = deployment.base_url or self.base_url
        if base_url is None:
            raise ConfigurationError(f"deployment {deployment.id!r} of provider {self.provider!r} has no `api_base`")
        return HttpRequest(
            method="POST",
            url=operation_url(base_url, operation, version=self.version),
            headers=(("content-type", "application/json"), *self._own_headers(deployment), *forwarded, *deployment.headers),
            body=encode(body),
            auth=auth_of(deployment, self.quirks),
        )

    def _own_headers(self, deployment: Deployment) -> Headers:
        organization = deployment.options.get("organization")
        own = self.quirks.headers
        return (*own, ("openai-organization", organization)) if isinstance(organization, str) else own


def auth_of(deployment: Deployment, quirks: Quirks) -> Auth:
    """Return the bearer scheme or the server's own header, or none where the deployment has no key."""
    if not deployment.auth_secret:
        return NoAuth()
    if quirks.key_header is None:
        return Bearer(deployment.auth_secret)
    name, prefix = quirks.key_header
    return HeaderKey(name, deployment.auth_secret, prefix)


class OpenAIChat(msgspec.Struct, frozen=True, kw_only=True):
    """Translate one chat call to and from an OpenAI-compatible server."""

    server: Server

    def encode(self, request: ChatRequest, deployment: Deployment, call: CallFacts) -> Encoded:
        """Return the request of one attempt.

        Raises:
            UnsupportedParameterError: the server cannot express a parameter and the deployment's mode is `refuse`.
        """
        dropping = Dropping(deployment)
        quirks = self.server.quirks
        request, names = prepare(request, quirks)
        body = encode_body(request, deployment, quirks, dropping)
        forwarded = request.forward_headers if request.dialect == DIALECT else ()
        memo = ProviderMemo(facts=call, provider=self.server.provider, model=deployment.model, quirks=quirks, names=names)
        http = self.server.post("/chat/completions", deployment, body, forwarded)
        return Encoded(http=http, memo=memo, dropped=tuple(dropping.names))

    def encode_raw(self, raw: RawRequest, deployment: Deployment, call: CallFacts) -> Encoded | None:
        """Return the request of one attempt in the client's own bytes; None where only `encode` can, or knows why nobody can."""
        dropping = Dropping(deployment)
        quirks = self.server.quirks
        try:
            body = encode_undecoded(raw, deployment, quirks, dropping)
        except UnsupportedParameterError:
            return None
        if body is None:
            return None
        memo = ProviderMemo(facts=call, provider=self.server.provider, model=deployment.model, quirks=quirks)
        http = self.server.post("/chat/completions", deployment, body, raw.forward_headers)
        return Encoded(http=http, memo=memo, dropped=tuple(dropping.names))

    def decode(self, response: HttpResponse, memo: ProviderMemo) -> ChatResponse:
        """Return the answer of a 2xx response."""
        return decode_response(response.body, memo)

    def stream(self, memo: ProviderMemo) -> ChatStreamDecoder:
        """Return a decoder for the events of a 2xx response."""
        return ChatStreamDecoder(memo)

    def passing(self, memo: ProviderMemo, surface_memo: SurfaceMemo) -> PassingChat | None:
        """Return the way of an answer to a client of this dialect, in the server's own bytes; None where it must be changed."""
        return passing(memo, surface_memo)

    def error(self, response: HttpResponse) -> TianjiError:
        """Return what a non-2xx answer means."""
        return error_of(response, self.server.provider)
