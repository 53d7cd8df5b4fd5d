"""What the connection pool raises, as our own errors. The one table."""

import httpcore

from tianji_adapters.http_client.network import Attempt, Phase
from tianji_core.errors import UpstreamError, UpstreamProtocolError, UpstreamTimeoutError, UpstreamUnavailableError

_CHECK_ADDRESS = "check the deployment's address, its name resolution and the way out of this machine"
_CHECK_BODY = "the answer is incomplete; the provider may have billed it"

_TIMEOUTS: dict[Phase, tuple[str, str]] = {
    "pool": ("all connections were busy for {limits.pool_seconds:g} s", "too many calls run to this provider at once"),
    "connect": ("no connection within {limits.connect_seconds:g} s", _CHECK_ADDRESS),
    "send": ("took no part of the request for {limits.idle_seconds:g} s", "the provider is stuck, or the way to it is"),
    "answer": ("no answer within {limits.first_byte_seconds:g} s", "raise the deployment's `timeout` if the model needs longer"),
}

_BEFORE_THE_HEAD: dict[type[Exception], tuple[type[UpstreamError], str, str]] = {
    httpcore.ConnectError: (UpstreamUnavailableError, "cannot connect: {error}", _CHECK_ADDRESS),
    httpcore.ProxyError: (UpstreamUnavailableError, "the proxy refused: {error}", "check the proxy's address and credential"),
    httpcore.UnsupportedProtocol: (UpstreamUnavailableError, "not an HTTP address", "`api_base` must begin with http:// or https://"),
    httpcore.ReadError: (UpstreamUnavailableError, "the connection broke before an answer: {error}", "the provider closed it"),
    httpcore.WriteError: (UpstreamUnavailableError, "the connection broke before an answer: {error}", "the provider closed it"),
    httpcore.LocalProtocolError: (UpstreamProtocolError, "the request cannot be said in HTTP", "a header or the address is not valid"),
    httpcore.RemoteProtocolError: (UpstreamProtocolError, "the answer is not HTTP", "is this the right address and port?"),
}


def head_error(error: Exception, attempt: Attempt, host: str) -> UpstreamError:
    """Return what to raise when no head came. Texts of httpcore that may quote the request are not taken over."""
    if isinstance(error, httpcore.RemoteProtocolError) and not attempt.heard:
        return UpstreamUnavailableError(
            f"{host}: closed the connection without an answer", sent=attempt.written, hint="it may be restarting"
        )
    for kind, (ours, text, hint) in _BEFORE_THE_HEAD.items():
        if isinstance(error, kind):
            if attempt.heard and ours is UpstreamUnavailableError and attempt.written:
                return UpstreamProtocolError(f"{host}: the connection broke inside the answer's head", hint=_CHECK_BODY)
            return ours(f"{host}: {text.format(error=error)}", sent=attempt.written, hint=hint)
    return UpstreamProtocolError(f"{host}: {type(error).__name__} while waiting for the answer", sent=attempt.written)


def head_timeout(attempt: Attempt, host: str) -> UpstreamTimeoutError:
    """Return what to raise when a step before the head took too long."""
    text, hint = _TIMEOUTS[attempt.phase]
    return UpstreamTimeoutError(f"{host}: {text.format(limits=attempt.limits)}", sent=attempt.written, hint=hint)


def body_error(host: str, status: int) -> UpstreamProtocolError:
    """Return what to raise when the answer's body was cut or badly framed."""
    return UpstreamProtocolError(f"{host}: the answer was cut short", status=status, hint=_CHECK_BODY)


def body_timeout(host: str, status: int, idle_seconds: float) -> UpstreamTimeoutError:
    """Return what to raise when the answer stalled."""
    return UpstreamTimeoutError(f"{host}: the answer stalled for {idle_seconds:g} s", status=status, hint=_CHECK_BODY)


def too_large(host: str, status: int, limit: int) -> UpstreamProtocolError:
    """Return what to raise when the answer is larger than the limit."""
    return UpstreamProtocolError(f"{host}: the answer is larger than {limit} bytes", status=status, hint="ask for less, or stream")
