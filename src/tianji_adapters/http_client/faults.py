"""What can go wrong in an attempt, in our own words. Both transports say it here, so that callers meet one wording."""

import ssl
from typing import Literal

from tianji_core.errors import UpstreamProtocolError, UpstreamTimeoutError, UpstreamUnavailableError
from tianji_core.ports.http_transport import TransportLimits

Phase = Literal["pool", "connect", "send", "answer"]

CHECK_ADDRESS = "check the deployment's address, its name resolution and the way out of this machine"
CHECK_BODY = "the answer is incomplete; the provider may have billed it"
CLOSED = "the provider closed it"
NOT_SAYABLE = ("the request cannot be said in HTTP", "a header or the address is not valid")
NOT_HTTP = ("the answer is not HTTP", "is this the right address and port?")

_TIMEOUTS: dict[Phase, tuple[str, str]] = {
    "pool": ("all connections were busy for {limits.pool_seconds:g} s", "too many calls run to this provider at once"),
    "connect": ("no connection within {limits.connect_seconds:g} s", CHECK_ADDRESS),
    "send": ("took no part of the request for {limits.idle_seconds:g} s", "the provider is stuck, or the way to it is"),
    "answer": ("no answer within {limits.first_byte_seconds:g} s", "raise the deployment's `timeout` if the model needs longer"),
}


def reason(error: BaseException) -> str:
    """Say what the system said, of several tries the last one's words; never bytes of the traffic."""
    cause = error
    while isinstance(cause.__cause__, BaseException):
        cause = cause.__cause__
    if isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[-1]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {cause.verify_message}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__


def not_sayable(host: str) -> UpstreamProtocolError:
    """Return what to raise for a request that no HTTP message can hold. What is wrong may be a secret and is not quoted."""
    text, hint = NOT_SAYABLE
    return UpstreamProtocolError(f"{host}: {text}", sent=False, hint=hint)


def not_connected(host: str, why: str, *, sent: bool) -> UpstreamUnavailableError:
    """Return what to raise when no connection came about."""
    return UpstreamUnavailableError(f"{host}: cannot connect: {why}", sent=sent, hint=CHECK_ADDRESS)


def phase_timeout(phase: Phase, limits: TransportLimits, host: str, *, sent: bool) -> UpstreamTimeoutError:
    """Return what to raise when a step before the head took too long."""
    text, hint = _TIMEOUTS[phase]
    return UpstreamTimeoutError(f"{host}: {text.format(limits=limits)}", sent=sent, hint=hint)


def unanswered(host: str, *, sent: bool) -> UpstreamUnavailableError:
    """Return what to raise when the peer ended the connection in good order, before any byte of an answer."""
    return UpstreamUnavailableError(f"{host}: closed the connection without an answer", sent=sent, hint="it may be restarting")


def broken(host: str, why: str, *, sent: bool) -> UpstreamUnavailableError:
    """Return what to raise when the connection broke before any byte of an answer."""
    return UpstreamUnavailableError(f"{host}: the connection broke before an answer: {why}", sent=sent, hint=CLOSED)


def cut_head(host: str) -> UpstreamProtocolError:
    """Return what to raise when the connection ended after the answer's first byte and before its head was whole."""
    return UpstreamProtocolError(f"{host}: the connection broke inside the answer's head", hint=CHECK_BODY)


def not_http(host: str, *, sent: bool) -> UpstreamProtocolError:
    """Return what to raise for a head that is none, or that two readers could read in two ways."""
    text, hint = NOT_HTTP
    return UpstreamProtocolError(f"{host}: {text}", sent=sent, hint=hint)


def head_too_large(host: str, limit: int) -> UpstreamProtocolError:
    """Return what to raise for a head beyond its limit, in bytes."""
    return UpstreamProtocolError(f"{host}: the answer's head is larger than {limit} bytes", hint=NOT_HTTP[1])


def unknown_coding(host: str, status: int) -> UpstreamProtocolError:
    """Return what to raise for a `content-encoding` that we cannot undo."""
    return UpstreamProtocolError(
        f"{host}: answered in a coding that was not asked for", status=status, hint="only gzip and deflate are read"
    )


def body_error(host: str, status: int) -> UpstreamProtocolError:
    """Return what to raise when the answer's body was cut or badly framed."""
    return UpstreamProtocolError(f"{host}: the answer was cut short", status=status, hint=CHECK_BODY)


def body_timeout(host: str, status: int, idle_seconds: float) -> UpstreamTimeoutError:
    """Return what to raise when the answer stalled."""
    return UpstreamTimeoutError(f"{host}: the answer stalled for {idle_seconds:g} s", status=status, hint=CHECK_BODY)


def too_large(host: str, status: int, limit: int) -> UpstreamProtocolError:
    """Return what to raise when the answer is larger than the limit."""
    return UpstreamProtocolError(f"{host}: the answer is larger than {limit} bytes", status=status, hint="ask for less, or stream")
