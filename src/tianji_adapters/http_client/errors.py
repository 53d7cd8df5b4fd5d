"""What the connection pool raises, as our own errors. The one table."""

import httpcore

from tianji_adapters.http_client.faults import CHECK_ADDRESS, CLOSED, NOT_HTTP, NOT_SAYABLE, cut_head, phase_timeout, unanswered
from tianji_adapters.http_client.network import Attempt
from tianji_core.errors import UpstreamError, UpstreamProtocolError, UpstreamTimeoutError, UpstreamUnavailableError

_BROKEN = "the connection broke before an answer: {error}"

_BEFORE_THE_HEAD: dict[type[Exception], tuple[type[UpstreamError], str, str]] = {
    httpcore.ConnectError: (UpstreamUnavailableError, "cannot connect: {error}", CHECK_ADDRESS),
    httpcore.ProxyError: (UpstreamUnavailableError, "the proxy refused: {error}", "check the proxy's address and credential"),
    httpcore.UnsupportedProtocol: (UpstreamUnavailableError, "not an HTTP address", "`api_base` must begin with http:// or https://"),
    httpcore.ReadError: (UpstreamUnavailableError, _BROKEN, CLOSED),
    httpcore.WriteError: (UpstreamUnavailableError, _BROKEN, CLOSED),
    httpcore.LocalProtocolError: (UpstreamProtocolError, *NOT_SAYABLE),
    httpcore.RemoteProtocolError: (UpstreamProtocolError, *NOT_HTTP),
}


def head_error(error: Exception, attempt: Attempt, host: str) -> UpstreamError:
    """Return what to raise when no head came. Texts of httpcore that may quote the request are not taken over."""
    if isinstance(error, httpcore.RemoteProtocolError) and not attempt.heard:
        return unanswered(host, sent=attempt.written)
    for kind, (ours, text, hint) in _BEFORE_THE_HEAD.items():
        if isinstance(error, kind):
            if attempt.heard and ours is UpstreamUnavailableError and attempt.written:
                return cut_head(host)
            return ours(f"{host}: {text.format(error=error)}", sent=attempt.written, hint=hint)
    return UpstreamProtocolError(f"{host}: {type(error).__name__} while waiting for the answer", sent=attempt.written)


def head_timeout(attempt: Attempt, host: str) -> UpstreamTimeoutError:
    """Return what to raise when a step before the head took too long."""
    return phase_timeout(attempt.phase, attempt.limits, host, sent=attempt.written)
