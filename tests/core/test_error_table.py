"""One table, every class."""

import pytest

from tianji_core import error_table, errors


def _classes(kind: type[errors.TianjiError]) -> list[type[errors.TianjiError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _classes(child))]


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in _classes(errors.TianjiError)
        if kind.__module__ == errors.__name__ and kind not in (errors.TianjiError, errors.CallerError)
    ],
)
def test_every_class_has_words_of_its_own_or_of_its_parent(kind: type[errors.TianjiError]) -> None:
    words = error_table.words_of(kind("message"))
    is_callers = issubclass(kind, errors.CallerError) and kind is not errors.NotBuiltError
    assert (400 <= words.status < 500) == (is_callers or kind in (errors.UpstreamRateLimitedError, errors.ConfigurationError))


@pytest.mark.parametrize(
    ("error", "status", "openai", "code"),
    [
        (errors.AuthenticationError("x"), 401, "invalid_request_error", "invalid_api_key"),
        (errors.ModelNotAllowedError("x"), 403, "invalid_request_error", "model_not_found"),
        (errors.UpstreamUnavailableError("x"), 502, "api_error", "upstream_error"),
        (errors.UpstreamOverloadedError("x"), 503, "overloaded_error", "upstream_overloaded"),
        (errors.UpstreamTimeoutError("x"), 504, "timeout_error", "upstream_timeout"),
        (errors.DeadlineExceededError("x"), 504, "timeout_error", "deadline_exceeded"),
        (errors.NotBuiltError("x"), 501, "invalid_request_error", "not_supported"),
        (ValueError("x"), 500, "api_error", "internal_error"),
    ],
)
def test_status_type_and_code_are_those_of_the_vendors_api(error: Exception, status: int, openai: str, code: str) -> None:
    words = error_table.words_of(error)
    assert (words.status, words.openai, error_table.code_of(error)) == (status, openai, code)


def test_reserved_budget_may_be_retried_and_a_spent_one_not() -> None:
    assert error_table.should_not_retry(errors.BudgetExceededError("x"))
    assert not error_table.should_not_retry(errors.BudgetExceededError("x", code="budget_reserved"))
