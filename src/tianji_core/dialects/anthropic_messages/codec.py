"""The provider side of Anthropic's Messages dialect: one frozen codec for every server that speaks it."""

import msgspec

from tianji_core.calls.chat import ChatRequest, ChatResponse
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.http import Auth, Bearer, HeaderKey, Headers, HttpRequest, HttpResponse, NoAuth, header
from tianji_core.dialects.anthropic_messages.address import operation_url
from tianji_core.dialects.anthropic_messages.encode import encode_body
from tianji_core.dialects.anthropic_messages.encode_undecoded import encode_undecoded
from tianji_core.dialects.anthropic_messages.errors import error_of
from tianji_core.dialects.anthropic_messages.history import uses_files
from tianji_core.dialects.anthropic_messages.memo import ProviderMemo, SurfaceMemo
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.passing import PassingMessages, passing
from tianji_core.dialects.anthropic_messages.response import decode_response
from tianji_core.dialects.anthropic_messages.stream_decode import MessagesStreamDecoder
from tianji_core.errors import ConfigurationError, TianjiError, UpstreamProtocolError
from tianji_core.shapes.codecs import Encoded
from tianji_core.shapes.raw_requests import RawRequest
from tianji_core.translation.parameters import Dropping
from tianji_core.wire.json import decode_upstream, encode

DEFAULT_VERSION = "2023-06-01"

_OAUTH_PREFIX = "sk-ant-oat"
_OAUTH_BETA = "oauth-2025-04-20"
_FILES_BETA = "files-api-2025-04-14"
_NOT_COUNTED = (
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "service_tier",
    "container",
    "inference_geo",
    "diagnostics",
)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server of this dialect: what it is called and where it is. `base_url` is None where every deployment must name one."""

    provider: str
    base_url: str | None

    def post(
        self, operation: str, deployment: Deployment, body: dict[str, object], forwarded: Headers = (), *, has_files: bool = False
    ) -> HttpRequest:
        """Return the request for an operation such as `/messages`.

        `forwarded`: headers of a client of this dialect. `has_files`: a client of another dialect names uploaded files.

        Raises:
            ConfigurationError: neither the provider nor the deployment has a base URL.
        """
        base_url = deployment.base_url or self.base_url
        if base_url is None:
            raise ConfigurationError(f"deployment {deployment.id!r} of provider {self.provider!r} has no `api_base`")
        return HttpRequest(
            method="POST",
            url=operation_url(base_url, operation),
            headers=_headers(forwarded, deployment, has_files=has_files),
            body=encode(body),
            auth=auth_of(deployment),
        )


def auth_of(deployment: Deployment) -> Auth:
    """Return the key's own header, a bearer token for an OAuth token, or none where the deployment has no key."""
    secret = deployment.auth_secret
    if not secret:
        return NoAuth()
    return Bearer(secret) if _is_oauth(deployment) else HeaderKey("x-api-key", secret)


def version_of(forwarded: Headers, deployment: Deployment) -> str:
    """Return the `anthropic-version` to send: that of a client of this dialect, else the deployment's, else the default."""
    asked = header(forwarded, "anthropic-version")
    configured = deployment.options.get("anthropic_version")
    return asked or (configured if isinstance(configured, str) and configured else DEFAULT_VERSION)


def _is_oauth(deployment: Deployment) -> bool:
    return deployment.auth_secret is not None and deployment.auth_secret.reveal().startswith(_OAUTH_PREFIX)


def _forwarded(request: ChatRequest) -> Headers:
    return request.forward_headers if request.dialect == DIALECT else ()


def _has_files(request: ChatRequest) -> bool:
    return request.dialect != DIALECT and uses_files(request.messages)


def _headers(forwarded: Headers, deployment: Deployment, *, has_files: bool) -> Headers:
    betas = [*_betas(deployment.headers), *_betas(forwarded)]
    if has_files:
        betas.append(_FILES_BETA)
    if _is_oauth(deployment):
        betas.append(_OAUTH_BETA)
    configured = tuple(pair for pair in deployment.headers if pair[0] != "anthropic-beta")
    own = () if header(configured, "anthropic-version") else (("anthropic-version", version_of(forwarded, deployment)),)
    joined = (("anthropic-beta", ",".join(dict.fromkeys(betas))),) if betas else ()
    return (("content-type", "application/json"), *own, *joined, *configured)


def _betas(headers: Headers) -> list[str]:
    return [beta.strip() for name, value in headers if name == "anthropic-beta" for beta in value.split(",") if beta.strip()]


class AnthropicMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Translate one chat call to and from a server of this dialect."""

    server: Server

    def encode(self, request: ChatRequest, deployment: Deployment, call: CallFacts) -> Encoded:
        """Return the request of one attempt.

        Raises:
            UnsupportedParameterError: the model cannot express a parameter and the deployment's mode is `refuse`.
            InvalidRequestError: a part of a message cannot be read.
        """
        dropping = Dropping(deployment)
        forwarded = _forwarded(request)
        body = encode_body(request, deployment, dropping, version=version_of(forwarded, deployment))
        http = self.server.post("/messages", deployment, body.fields, forwarded, has_files=_has_files(request))
        memo = ProviderMemo(facts=call, provider=self.server.provider, model=deployment.model, names=body.names, json_tool=body.json_tool)
        return Encoded(http=http, memo=memo, dropped=tuple(dropping.names))

    def encode_raw(self, raw: RawRequest, deployment: Deployment, call: CallFacts) -> Encoded | None:
        """Return the request of one attempt in the client's own bytes; None where only `encode` can."""
        dropping = Dropping(deployment)
        body = encode_undecoded(raw, deployment, dropping, version=version_of(raw.forward_headers, deployment))
        if body is None:
            return None
        memo = ProviderMemo(facts=call, provider=self.server.provider, model=deployment.model)
        http = self.server.post("/messages", deployment, body, raw.forward_headers)
        return Encoded(http=http, memo=memo, dropped=tuple(dropping.names))

    def decode(self, response: HttpResponse, memo: ProviderMemo) -> ChatResponse:
        """Return the answer of a 2xx response."""
        return decode_response(response.body, memo)

    def stream(self, memo: ProviderMemo) -> MessagesStreamDecoder:
        """Return a decoder for the events of a 2xx response."""
        return MessagesStreamDecoder(memo)

    def passing(self, memo: ProviderMemo, surface_memo: SurfaceMemo) -> PassingMessages | None:
        """Return the way of an answer to a client of this dialect, in the server's own bytes; None where it must be changed."""
        return passing(memo, surface_memo)

    def error(self, response: HttpResponse) -> TianjiError:
        """Return what a non-2xx answer means."""
        return error_of(response, self.server.provider)


class AnthropicTokenCount(msgspec.Struct, frozen=True, kw_only=True):
    """Ask a server of this dialect how many input tokens a chat request has. Source: Anthropic's page on token counting."""

    server: Server

    def encode(self, request: ChatRequest, deployment: Deployment, call: CallFacts) -> Encoded:
        """Return the request: the chat request without what steers the answer only."""
        dropping = Dropping(msgspec.structs.replace(deployment, parameter_mode="drop"))
        forwarded = _forwarded(request)
        body = encode_body(request, deployment, dropping, version=version_of(forwarded, deployment)).fields
        counted = {name: value for name, value in body.items() if name not in _NOT_COUNTED}
        memo = ProviderMemo(facts=call, provider=self.server.provider, model=deployment.model)
        http = self.server.post("/messages/count_tokens", deployment, counted, forwarded, has_files=_has_files(request))
        return Encoded(http=http, memo=memo)

    def decode(self, response: HttpResponse, memo: ProviderMemo) -> int:
        """Return the count.

        Raises:
            UpstreamProtocolError: the answer holds none.
        """
        count = decode_upstream(response.body, memo.provider).get("input_tokens")
        if not isinstance(count, int) or isinstance(count, bool):
            raise UpstreamProtocolError(f"{memo.provider} answered a token count without `input_tokens`", provider=memo.provider)
        return count

    def error(self, response: HttpResponse) -> TianjiError:
        """Return what a non-2xx answer means."""
        return error_of(response, self.server.provider)
