"""The one exception tree. Who is to blame decides everything that follows.

    TianjiError                          code, message, hint, param, provider
    ├── CallerError                      the caller can fix it: 4xx, never retried
    │   ├── InvalidRequestError          400; the body or a parameter is wrong
    │   │   ├── UnsupportedParameterError    the model's provider has no such parameter
    │   │   ├── ContextWindowExceededError   the input is too long for the model
    │   │   ├── ContentPolicyError           the provider refused the content
    │   │   ├── TooLargeError                413
    │   │   ├── MediaTypeError               415
    │   │   └── UnprocessableError           422; management routes: wrong type, range or field
    │   ├── AuthenticationError          401; no, malformed or expired credential
    │   │   └── UnknownKeyError
    │   ├── PermissionDeniedError        403; known, but not allowed
    │   │   └── ModelNotAllowedError
    │   ├── NotFoundError                404
    │   │   └── MethodNotAllowedError        405
    │   ├── ConflictError                409
    │   ├── PreconditionFailedError      412; `If-Match` names another version
    │   ├── LimitExceededError           429; `retry_after_seconds`
    │   │   ├── RateLimitedError
    │   │   ├── ParallelLimitError
    │   │   ├── BudgetExceededError
    │   │   └── AllCoolingDownError          every deployment of the group rests
    │   ├── GuardrailBlockedError        400
    │   ├── ClientGoneError              499; never sent, only logged
    │   └── NotBuiltError                501
    ├── UpstreamError                    a provider failed: `status`, `sent`
    │   ├── UpstreamRateLimitedError         429
    │   ├── UpstreamUnavailableError         no connection, or a 5xx
    │   │   └── UpstreamOverloadedError      it says that it is overloaded
    │   ├── UpstreamTimeoutError
    │   ├── UpstreamAuthenticationError      our credential is wrong, or its account is
    │   ├── UpstreamModelMissingError        it does not know the model of the deployment
    │   └── UpstreamProtocolError            it answered something that is not its protocol
    ├── DeadlineExceededError            504; the caller's own deadline ran out
    ├── DependencyUnavailableError       503; our database, journal or disk
    ├── OverloadedError                  503; as many calls are under way as this process takes
    │   └── ShuttingDownError                it ends
    └── ConfigurationError               file, line, reason: the start or the reload is refused

Which HTTP status and which words each class has on each surface is `tianji_core.error_table`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One bad field of a management request: its dotted path, what is wrong with it, a stable word."""

    field: str
    message: str
    code: str


class TianjiError(Exception):
    """An error that TianJi understands.

    Attributes:
        message: What happened to this call, without any secret or prompt text.
        hint: What the reader can do about it, or None.
        param: The request field at fault, as the caller's API writes it (`messages.[0].content`), or None.
        code: A stable machine-readable word; None stands for "the class says enough".
        provider: The provider whose answer caused this, or None where TianJi itself decided.
        retry_after_seconds: When trying again makes sense, or None where nobody knows.
    """

    default_code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        param: str | None = None,
        code: str | None = None,
        provider: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param
        self.code = code if code is not None else self.default_code
        self.provider = provider
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class CallerError(TianjiError):
    """The caller can fix it."""


class InvalidRequestError(CallerError):
    """The body or a parameter is wrong."""


class UnsupportedParameterError(InvalidRequestError):
    """The parameter exists, but the model's provider cannot express it."""

    default_code = "unsupported_parameter"


class ContextWindowExceededError(InvalidRequestError):
    """The input is longer than the model can take."""

    default_code = "context_length_exceeded"


class ContentPolicyError(InvalidRequestError):
    """The provider refused the content by its own policy."""

    default_code = "content_policy_violation"


class TooLargeError(InvalidRequestError):
    """The body is larger than the gateway or the provider accepts."""

    default_code = "request_too_large"


class MediaTypeError(InvalidRequestError):
    """The body is of a type that this route does not read."""


class UnprocessableError(InvalidRequestError):
    """A management request has a field of the wrong type or range, or one that is not built.

    Attributes:
        faults: Every bad field, in the order of the request; `param` is the first.
    """

    default_code = "validation_error"

    def __init__(
        self,
        message: str,
        *,
        faults: Sequence[Fault] = (),
        hint: str | None = None,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, param=param, code=code)
        self.faults = tuple(faults)


class AuthenticationError(CallerError):
    """There is no valid credential."""

    default_code = "invalid_api_key"


class UnknownKeyError(AuthenticationError):
    """The credential has the form of a key, and there is no such key."""


class PermissionDeniedError(CallerError):
    """The credential is known, but this use of it is refused."""

    default_code = "permission_denied"


class ModelNotAllowedError(PermissionDeniedError):
    """The credential may not use this model name."""

    default_code = "model_not_found"


class NotFoundError(CallerError):
    """There is no such object, or the caller may not see it."""


class MethodNotAllowedError(NotFoundError):
    """The path exists, the method does not."""

    default_code = "method_not_allowed"


class ConflictError(CallerError):
    """The identifier is taken, or the object's state forbids the change."""


class PreconditionFailedError(CallerError):
    """The object is not at the version that the caller expected."""

    default_code = "version_mismatch"


class LimitExceededError(CallerError):
    """A limit of the caller is used up.

    Attributes:
        final: Coming again does not help, even though the status says that it may.
        headers: More headers of the answer: pairs of lower-case name and value.
        budget: More of the error's body, about the budget that is used up, or None.
    """

    default_code = "rate_limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        param: str | None = None,
        code: str | None = None,
        provider: str | None = None,
        retry_after_seconds: float | None = None,
        final: bool = False,
        headers: tuple[tuple[str, str], ...] = (),
        budget: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, param=param, code=code, provider=provider, retry_after_seconds=retry_after_seconds)
        self.final = final
        self.headers = headers
        self.budget = budget


class RateLimitedError(LimitExceededError):
    """Too many requests or tokens in the last minute."""


class ParallelLimitError(LimitExceededError):
    """Too many calls at the same time."""


class BudgetExceededError(LimitExceededError):
    """The money is used up, or reserved by running calls."""

    default_code = "budget_exceeded"


class AllCoolingDownError(LimitExceededError):
    """Every deployment that could serve the call rests after failures."""

    default_code = "no_deployments_available"


class GuardrailBlockedError(CallerError):
    """A guardrail refused the content."""

    default_code = "guardrail_violation"


class ClientGoneError(CallerError):
    """The client closed the connection before the answer was complete."""

    default_code = "client_closed_request"


class NotBuiltError(CallerError):
    """TianJi does not have this yet."""

    default_code = "not_supported"


class UpstreamError(TianjiError):
    """A provider failed.

    Attributes:
        status: The provider's HTTP status, or None where there was none.
        sent: Whether the request may have reached the provider; False means that it cannot have been billed.
    """

    default_code = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        sent: bool = True,
        hint: str | None = None,
        param: str | None = None,
        code: str | None = None,
        provider: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, param=param, code=code, provider=provider, retry_after_seconds=retry_after_seconds)
        self.status = status
        self.sent = sent


class UpstreamRateLimitedError(UpstreamError):
    """The provider's own rate limit."""

    default_code = "rate_limit_exceeded"


class UpstreamUnavailableError(UpstreamError):
    """The provider cannot be reached, or answers with a server error."""


class UpstreamOverloadedError(UpstreamUnavailableError):
    """The provider says that it is overloaded."""

    default_code = "upstream_overloaded"


class UpstreamTimeoutError(UpstreamError):
    """The provider did not answer in the time that the deployment allows."""

    default_code = "upstream_timeout"


class UpstreamAuthenticationError(UpstreamError):
    """The provider refuses our credential, or the account behind it."""

    default_code = "upstream_authentication_error"


class UpstreamModelMissingError(UpstreamError):
    """The provider does not know the model that the deployment names."""


class UpstreamProtocolError(UpstreamError):
    """The provider's answer is not in its own protocol, or it was cut short."""

    default_code = "upstream_protocol_error"


class DeadlineExceededError(TianjiError):
    """The deadline of the whole call ran out."""

    default_code = "deadline_exceeded"


class DependencyUnavailableError(TianjiError):
    """Something of our own is away: the database, the journal, the disk."""

    default_code = "service_unavailable"


class OverloadedError(TianjiError):
    """This process has as many calls as it takes."""

    default_code = "overloaded"


class ShuttingDownError(OverloadedError):
    """This process ends, and the call had no more time."""

    default_code = "shutting_down"


class ConfigurationError(TianjiError):
    """A setting cannot be used.

    Attributes:
        file: The file's name, or None for a flag or an environment variable.
        line: Counted from 1, or None.
    """

    default_code = "configuration_error"

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        return place + super().__str__()
