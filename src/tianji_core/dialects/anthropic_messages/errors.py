"""What an error of a server of this dialect means. Source: Anthropic's errors page; the type decides, where there is one.

Inside a stream the HTTP status is already 200, so that only the type is left.
"""

import re

from tianji_core import errors
from tianji_core.calls.http import HttpResponse
from tianji_core.errors import TianjiError
from tianji_core.translation.retry_after import retry_after_seconds
from tianji_core.wire.json import decode_upstream

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_CONTEXT = re.compile(r"prompt is too long|exceeds? the maximum number of tokens|exceed context limit|input is too long", re.IGNORECASE)
_ACCOUNT = re.compile(r"credit balance is too low|reached your specified (workspace )?api usage limits", re.IGNORECASE)
_POLICY = re.compile(r"content filtering policy", re.IGNORECASE)
_OBJECT = re.compile(r"(file|container|skill|batch)s?\b", re.IGNORECASE)
_PARAM = re.compile(r"([a-z_]+(?:\.[A-Za-z0-9_]+)*): ")
_MESSAGE_LIMIT = 2000


def error_of(response: HttpResponse, provider: str) -> TianjiError:
    """Return the error of a non-2xx answer; its message begins with the provider's id."""
    kind, message = _detail(response, provider)
    return classify(
        response.status,
        provider,
        message=message or f"HTTP {response.status} without a message",
        kind=kind,
        retry_after=retry_after_seconds(response.headers),
    )


def stream_error(value: dict[str, object], provider: str) -> TianjiError:
    """Return the error of an `error` event, or of an error body inside a 200."""
    inner = value.get("error")
    detail = inner if isinstance(inner, dict) else {"message": inner}
    kind = _text(detail.get("type"))
    message = _text(detail.get("message")) or "an error without a message inside the answer"
    return classify(_STATUS_OF_TYPE.get(kind or "", 500), provider, message=message, kind=kind, retry_after=None)


def classify(status: int, provider: str, *, message: str, kind: str | None, retry_after: float | None) -> TianjiError:
    """Return the class that a status and its words mean. Routing decides by class and never looks at a status."""
    text = f"{provider}: {message[:_MESSAGE_LIMIT]}"
    if status in (401, 402, 403) or kind == "billing_error" or (status in (400, 429) and _ACCOUNT.search(message)):
        return errors.UpstreamAuthenticationError(
            text, status=status, provider=provider, hint="the gateway's own credential or account at this provider was refused"
        )
    if status == 429:
        return errors.UpstreamRateLimitedError(text, status=status, provider=provider, retry_after_seconds=retry_after)
    if status in (503, 529) or kind == "overloaded_error":
        return errors.UpstreamOverloadedError(text, status=status, provider=provider, retry_after_seconds=retry_after)
    if status in (408, 504, 522, 524):
        return errors.UpstreamTimeoutError(text, status=status, provider=provider)
    if status >= 500 or status in (409, 424) or status < 400:
        return errors.UpstreamUnavailableError(text, status=status, provider=provider, retry_after_seconds=retry_after)
    if status == 404 and not _OBJECT.match(message):
        return errors.UpstreamModelMissingError(text, status=status, provider=provider)
    return _callers_fault(status, text, message, provider)


def _callers_fault(status: int, text: str, message: str, provider: str) -> TianjiError:
    found = _PARAM.match(message)
    param = found[1] if found else None
    if status == 404:
        return errors.NotFoundError(text, provider=provider)
    if status == 413:
        return errors.TooLargeError(text, provider=provider)
    if status == 415:
        return errors.MediaTypeError(text, provider=provider)
    if _CONTEXT.search(message):
        return errors.ContextWindowExceededError(text, param=param, provider=provider)
    if _POLICY.search(message):
        return errors.ContentPolicyError(text, param=param, provider=provider)
    return errors.InvalidRequestError(text, param=param, provider=provider)


def _detail(response: HttpResponse, provider: str) -> tuple[str | None, str | None]:
    try:
        body = decode_upstream(response.body, provider)
    except errors.UpstreamProtocolError:
        return None, response.body[:_MESSAGE_LIMIT].decode("utf-8", "replace").strip()
    inner = body.get("error", body)
    if not isinstance(inner, dict):
        return None, _text(inner)
    return _text(inner.get("type")), _text(inner.get("message"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
