"""What an error means for routing: its class name, and whether trying again makes sense.

Codecs and the transport decide the class of an error; nothing here looks at a status. The names are those of `retry_policy` and
`allowed_fails_policy`.
"""

from typing import Literal

from tianji_core import errors
from tianji_core.errors import TianjiError

FailureClass = Literal["rate_limit", "timeout", "authentication", "model_missing", "internal_server", "content_policy", "bad_request"]
Again = Literal["anywhere", "elsewhere", "never"]
"""Where another attempt of the same group may go: any deployment, any but the one that failed, none."""

_CLASSES: tuple[tuple[type[TianjiError], FailureClass, Again], ...] = (
    (errors.UpstreamRateLimitedError, "rate_limit", "anywhere"),
    (errors.UpstreamTimeoutError, "timeout", "anywhere"),
    (errors.UpstreamAuthenticationError, "authentication", "elsewhere"),
    (errors.UpstreamModelMissingError, "model_missing", "never"),
    (errors.UpstreamError, "internal_server", "anywhere"),
    (errors.ContentPolicyError, "content_policy", "never"),
    (errors.InvalidRequestError, "bad_request", "never"),
)


def failure_class(error: TianjiError) -> FailureClass | None:
    """Return the class name of an error, or None for one that no deployment is to blame for."""
    return next((name for kind, name, _ in _CLASSES if isinstance(error, kind)), None)


def may_try_again(error: TianjiError) -> Again:
    """Return where another attempt of the same group may go after this error."""
    return next((again for kind, _, again in _CLASSES if isinstance(error, kind)), "never")
