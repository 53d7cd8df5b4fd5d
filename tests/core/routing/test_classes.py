"""What an error means for routing."""

import pytest

from tianji_core import errors
from tianji_core.routing.classes import failure_class, may_try_again


@pytest.mark.parametrize(
    ("error", "name", "again"),
    [
        (errors.UpstreamRateLimitedError("x"), "rate_limit", "anywhere"),
        (errors.UpstreamTimeoutError("x"), "timeout", "anywhere"),
        (errors.UpstreamUnavailableError("x"), "internal_server", "anywhere"),
        (errors.UpstreamOverloadedError("x"), "internal_server", "anywhere"),
        (errors.UpstreamProtocolError("x"), "internal_server", "anywhere"),
        (errors.UpstreamError("x"), "internal_server", "anywhere"),
        (errors.UpstreamAuthenticationError("x"), "authentication", "elsewhere"),
        (errors.UpstreamModelMissingError("x"), "model_missing", "never"),
        (errors.ContentPolicyError("x"), "content_policy", "never"),
        (errors.ContextWindowExceededError("x"), "bad_request", "never"),
        (errors.InvalidRequestError("x"), "bad_request", "never"),
        (errors.TooLargeError("x"), "bad_request", "never"),
        (errors.GuardrailBlockedError("x"), None, "never"),
        (errors.ClientGoneError("x"), None, "never"),
        (errors.DeadlineExceededError("x"), None, "never"),
        (errors.DependencyUnavailableError("x"), None, "never"),
        (errors.AllCoolingDownError("x"), None, "never"),
    ],
)
def test_the_class_of_an_error_decides_whether_and_where_it_is_repeated(error: errors.TianjiError, name: str | None, again: str) -> None:
    assert failure_class(error) == name
    assert may_try_again(error) == again


def test_a_status_changes_nothing() -> None:
    assert may_try_again(errors.UpstreamUnavailableError("x", status=400)) == "anywhere"
    assert failure_class(errors.UpstreamAuthenticationError("x", status=503)) == "authentication"
