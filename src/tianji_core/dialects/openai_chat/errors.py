"""What an error answer of an OpenAI-compatible server means.

The forms seen in the wild: `{"error": {...}}`, `{"error": "text"}`, `{"detail": ...}`, `{"message": ...}`, a flat
`{"object": "error", ...}`, plain text.
"""

import re

from tianji_core import errors
from tianji_core.calls.http import HttpResponse
from tianji_core.errors import TianjiError
from tianji_core.translation.retry_after import retry_after_seconds
from tianji_core.wire.json import decode_upstream

_CONTEXT = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|prompt is too long|too many (input )?tokens|reduce the length"
    r"|exceeds? the (available|maximum)",
    re.IGNORECASE,
)
_POLICY_CODES = frozenset({"content_policy_violation", "content_filter", "data_inspection_failed"})
_QUOTA_CODES = frozenset(
    {"insufficient_quota", "billing_not_active", "exceeded_current_quota_error", "Arrearage", "billing_hard_limit_reached"}
)
_MESSAGE_LIMIT = 2000


def error_of(response: HttpResponse, provider: str) -> TianjiError:
    """Return the error of a non-2xx answer; its message begins with the provider's id."""
    detail = _detail(response, provider)
    return classify(
        response.status,
        provider,
        message=_text(detail.get("message")) or f"HTTP {response.status} without a message",
        code=_word(detail.get("code")),
        kind=_word(detail.get("type")),
        param=_text(detail.get("param")),
        retry_after=retry_after_seconds(response.headers),
    )


def stream_error(error: object, provider: str) -> TianjiError:
    """Return the error that stands inside a stream or a 200 body: its number is a status, else its words decide."""
    detail = error if isinstance(error, dict) else {"message": error}
    code = detail.get("code")
    number = code if isinstance(code, int) and not isinstance(code, bool) else _digits(detail.get("status_code")) or _digits(code)
    kind = _word(detail.get("type"))
    return classify(
        number or _STATUS_OF_KIND.get(kind or "", 500),
        provider,
        message=_text(detail.get("message")) or "an error without a message inside the answer",
        code=_word(code),
        kind=kind,
        param=_text(detail.get("param")),
        retry_after=None,
    )


_STATUS_OF_KIND = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "insufficient_quota": 402,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "requests": 429,
    "tokens": 429,
    "overloaded_error": 503,
    "timeout_error": 504,
}


def classify(
    status: int,
    provider: str,
    *,
    message: str,
    code: str | None,
    kind: str | None,
    param: str | None,
    retry_after: float | None,
) -> TianjiError:
    """Return the class that a status and its words mean. Routing decides by class and never looks at a status."""
    text = f"{provider}: {message[:_MESSAGE_LIMIT]}"
    if code in _QUOTA_CODES or kind in _QUOTA_CODES or status in (401, 402, 403):
        return errors.UpstreamAuthenticationError(
            text, status=status, provider=provider, hint="the gateway's own credential or account at this provider was refused"
        )
    if status == 429:
        return errors.UpstreamRateLimitedError(text, status=status, provider=provider, retry_after_seconds=retry_after)
    if status in (408, 504, 522, 524):
        return errors.UpstreamTimeoutError(text, status=status, provider=provider)
    if status in (503, 529):
        return errors.UpstreamOverloadedError(text, status=status, provider=provider, retry_after_seconds=retry_after)
    if status >= 500 or status == 409 or status < 400:
        return errors.UpstreamUnavailableError(text, status=status, provider=provider, retry_after_seconds=retry_after)
    if status == 404:
        return errors.UpstreamModelMissingError(text, status=status, provider=provider)
    return _callers_fault(status, text, provider=provider, code=code, param=param)


def _callers_fault(status: int, text: str, *, provider: str, code: str | None, param: str | None) -> TianjiError:
    if code == "context_length_exceeded" or _CONTEXT.search(text):
        return errors.ContextWindowExceededError(text, param=param, provider=provider)
    if code in _POLICY_CODES:
        return errors.ContentPolicyError(text, param=param, provider=provider)
    if status == 413:
        return errors.TooLargeError(text, param=param, provider=provider)
    if status == 415:
        return errors.MediaTypeError(text, param=param, provider=provider)
    return errors.InvalidRequestError(text, param=param, code=code, provider=provider)


def _detail(response: HttpResponse, provider: str) -> dict[str, object]:
    try:
        body = decode_upstream(response.body, provider)
    except errors.UpstreamProtocolError:
        return {"message": response.body[:_MESSAGE_LIMIT].decode("utf-8", "replace").strip()}
    inner = body.get("error", body.get("detail", body))
    if isinstance(inner, dict):
        return inner
    if isinstance(inner, list) and inner and isinstance(inner[0], dict):
        return {"message": inner[0].get("msg") or inner[0].get("message")}
    return {"message": inner}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _word(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value)


def _digits(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdigit() and len(value) == 3 else None
