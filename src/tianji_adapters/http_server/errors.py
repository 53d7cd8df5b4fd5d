"""One handler for every error outside the call routes: it answers in the envelope of the surface that the path belongs to."""

from collections.abc import Callable

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from tianji_adapters.http_server.management_errors import management_error
from tianji_core.calls.http import Headers, header
from tianji_core.envelopes import anthropic_error, openai_error
from tianji_core.errors import (
    AuthenticationError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    PermissionDeniedError,
    TianjiError,
    TooLargeError,
)
from tianji_core.ports.gateway import Gateway

_MANAGEMENT = ("/key", "/config", "/health", "/metrics")
_log = structlog.get_logger("tianji.http")


def error_handler(  # type: ignore[no-untyped-def]  # noqa: ANN201 - Litestar's handler type is generic in the state
    gateway: Gateway, with_detail: Callable[[], bool] = lambda: True
):
    """Return the handler. `with_detail` tells whether management errors have `detail.error` too, as older clients read it."""

    def handle(request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
        request_id = gateway.new_call_id()
        ours = as_ours(error, request.method, request.url.path)
        if not isinstance(ours, TianjiError):
            _log.error("a request failed by a bug", request_id=request_id, path=request.url.path, exc_info=error)
        elif ours is not error:  # the framework's own refusal: no use case has told of it
            _log.info("a request was refused", request_id=request_id, path=request.url.path[:200], method=request.method, reason=ours.code)
        status, headers, body = _envelope(request, ours, request_id, with_detail=with_detail())
        return Response(body, status_code=status, headers=dict(headers), media_type=MediaType.JSON)

    return handle


def as_ours(error: Exception, method: str, path: str) -> Exception:
    """Return the framework's own errors as errors of ours; a bug stays what it is."""
    if isinstance(error, TianjiError) or not isinstance(error, HTTPException):
        return error
    if isinstance(error, NotFoundException):
        return NotFoundError(f"Unknown request URL: {method} {path[:200]}", code="unknown_url", hint="check the method and the path")
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowedError(f"{method} is not a method of {path[:200]}")
    kinds: dict[int, type[TianjiError]] = {401: AuthenticationError, 403: PermissionDeniedError, 413: TooLargeError}
    if error.status_code >= 500:
        return error
    return kinds.get(error.status_code, InvalidRequestError)(error.detail)


def _envelope(
    request: Request,  # type: ignore[type-arg]
    error: Exception,
    request_id: str,
    *,
    with_detail: bool,
) -> tuple[int, Headers, bytes]:
    path = request.url.path
    headers = tuple((name.lower(), value) for name, value in request.headers.items())
    if path.startswith(_MANAGEMENT):
        return management_error(error, request_id, with_detail=with_detail)
    if "/messages" in path or header(headers, "anthropic-version") is not None:
        return anthropic_error(error, request_id)
    return openai_error(error, request_id)
