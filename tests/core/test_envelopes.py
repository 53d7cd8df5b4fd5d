"""Errors as each surface's own API answers them."""

import msgspec
import pytest

from tianji_core import errors
from tianji_core.envelopes import anthropic_error, openai_error


def test_openai_envelope_always_has_its_four_keys() -> None:
    status, headers, body = openai_error(errors.InvalidRequestError("wrong", param="messages.[0].role", code="invalid_type"), "req-1")
    assert status == 400
    assert dict(headers)["x-request-id"] == "req-1"
    assert msgspec.json.decode(body) == {
        "error": {"message": "wrong", "type": "invalid_request_error", "param": "messages.[0].role", "code": "invalid_type"}
    }


def test_anthropic_envelope_names_the_request_and_503_is_529() -> None:
    status, headers, body = anthropic_error(errors.DependencyUnavailableError("the database is away"), "req-1")
    assert status == 529
    assert dict(headers)["request-id"] == "req-1"
    assert msgspec.json.decode(body) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "the database is away"},
        "request_id": "req-1",
    }


def test_bug_is_a_500_that_tells_nothing_of_itself() -> None:
    status, _, body = openai_error(KeyError("sk-secret"), "req-1")
    assert status == 500
    assert b"secret" not in body
    assert msgspec.json.decode(body)["error"]["code"] == "internal_error"


def test_retry_after_is_whole_seconds_rounded_up_and_exact_in_milliseconds() -> None:
    _, headers, _ = openai_error(errors.UpstreamRateLimitedError("slow down", retry_after_seconds=1.2), "r")
    assert dict(headers)["retry-after"] == "2"
    assert dict(headers)["retry-after-ms"] == "1200"


@pytest.mark.parametrize(
    "error", [errors.NotBuiltError("no"), errors.UpstreamAuthenticationError("no"), errors.BudgetExceededError("no", retry_after_seconds=1)]
)
def test_final_errors_tell_clients_not_to_retry(error: errors.TianjiError) -> None:
    _, headers, _ = openai_error(error, "r")
    assert dict(headers)["x-should-retry"] == "false"
    assert "retry-after" not in dict(headers)
