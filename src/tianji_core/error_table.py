"""Which status and which words an error has on each surface. The only place that decides this.

Sources: OpenAI's and Anthropic's error pages; Google's `google.rpc.Code` names; LiteLLM's `type` words on management routes.
"""

import msgspec

from tianji_core import errors


class ErrorWords(msgspec.Struct, frozen=True, kw_only=True):
    """How one class of errors is told to a caller."""

    status: int
    openai: str
    anthropic: str
    gemini: str
    management: str


def _row(status: int, openai: str, anthropic: str, gemini: str, management: str | None = None) -> ErrorWords:
    return ErrorWords(status=status, openai=openai, anthropic=anthropic, gemini=gemini, management=management or openai)


_INVALID = "invalid_request_error"
_BUG = _row(500, "api_error", "api_error", "INTERNAL", "internal_server_error")

_TABLE: dict[type[errors.TianjiError], ErrorWords] = {
    errors.InvalidRequestError: _row(400, _INVALID, _INVALID, "INVALID_ARGUMENT", "bad_request_error"),
    errors.TooLargeError: _row(413, _INVALID, "request_too_large", "INVALID_ARGUMENT", "bad_request_error"),
    errors.MediaTypeError: _row(415, _INVALID, _INVALID, "INVALID_ARGUMENT", "bad_request_error"),
    errors.UnprocessableError: _row(422, _INVALID, _INVALID, "INVALID_ARGUMENT", "validation_error"),
    errors.AuthenticationError: _row(401, _INVALID, "authentication_error", "UNAUTHENTICATED", "auth_error"),
    errors.UnknownKeyError: _row(401, _INVALID, "authentication_error", "UNAUTHENTICATED", "token_not_found_in_db"),
    errors.PermissionDeniedError: _row(403, "permission_error", "permission_error", "PERMISSION_DENIED", "auth_error"),
    errors.ModelNotAllowedError: _row(403, _INVALID, "permission_error", "PERMISSION_DENIED", "key_model_access_denied"),
    errors.NotFoundError: _row(404, _INVALID, "not_found_error", "NOT_FOUND", "not_found_error"),
    errors.MethodNotAllowedError: _row(405, _INVALID, _INVALID, "INVALID_ARGUMENT", "bad_request_error"),
    errors.ConflictError: _row(409, "conflict_error", "conflict_error", "ABORTED"),
    errors.PreconditionFailedError: _row(412, "conflict_error", "conflict_error", "FAILED_PRECONDITION", "version_mismatch"),
    errors.LimitExceededError: _row(429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED", "throttling_error"),
    errors.BudgetExceededError: _row(429, "insufficient_quota", "rate_limit_error", "RESOURCE_EXHAUSTED", "budget_exceeded"),
    errors.GuardrailBlockedError: _row(400, "guardrail_violation", _INVALID, "INVALID_ARGUMENT"),
    errors.ClientGoneError: _row(499, _INVALID, _INVALID, "CANCELLED"),
    errors.NotBuiltError: _row(501, _INVALID, "api_error", "UNIMPLEMENTED"),
    errors.UpstreamError: _row(502, "api_error", "api_error", "UNAVAILABLE"),
    errors.UpstreamRateLimitedError: _row(429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"),
    errors.UpstreamOverloadedError: _row(503, "overloaded_error", "overloaded_error", "UNAVAILABLE"),
    errors.UpstreamTimeoutError: _row(504, "timeout_error", "timeout_error", "DEADLINE_EXCEEDED"),
    errors.DeadlineExceededError: _row(504, "timeout_error", "timeout_error", "DEADLINE_EXCEEDED"),
    errors.DependencyUnavailableError: _row(503, "service_unavailable_error", "overloaded_error", "UNAVAILABLE", "no_db_connection"),
    errors.OverloadedError: _row(503, "overloaded_error", "overloaded_error", "UNAVAILABLE", "overloaded"),
    errors.ConfigurationError: _row(409, "conflict_error", "conflict_error", "ABORTED", "configuration_error"),
}


def words_of(error: BaseException) -> ErrorWords:
    """Return the words of the nearest class in the table; anything that is not ours is a bug and answers 500."""
    for kind in type(error).__mro__:
        found = _TABLE.get(kind)
        if found is not None:
            return found
    return _BUG


def code_of(error: BaseException) -> str | None:
    """Return the word for `code`; a bug is `internal_error`."""
    return error.code if isinstance(error, errors.TianjiError) else "internal_error"


def message_of(error: BaseException) -> str:
    """Return what the caller may read; of a bug nothing but that it happened."""
    return str(error) if isinstance(error, errors.TianjiError) else "internal error; the request id names it in the gateway's log"


def should_not_retry(error: BaseException) -> bool:
    """Whether a client that retries by status alone must be told not to."""
    if isinstance(error, errors.BudgetExceededError):
        return error.code != "budget_reserved"
    if isinstance(error, errors.LimitExceededError):
        return error.final
    return isinstance(error, errors.NotBuiltError | errors.UpstreamAuthenticationError | errors.UpstreamModelMissingError)
