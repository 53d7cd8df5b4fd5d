"""What an error answer means: the class decides about retries, fallbacks and the status that the caller sees."""

import json

import pytest

from tianji_core import errors
from tianji_core.calls.http import Headers, HttpResponse
from tianji_core.dialects.anthropic_messages.errors import error_of, stream_error


def _answer(status: int, kind: str, message: str = "no", headers: Headers = ()) -> HttpResponse:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return HttpResponse(status=status, headers=headers, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "kind", "message", "wanted"),
    [
        (400, "invalid_request_error", "max_tokens: must be at least 1", errors.InvalidRequestError),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", errors.ContextWindowExceededError),
        (400, "invalid_request_error", "Output blocked by content filtering policy", errors.ContentPolicyError),
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", errors.UpstreamAuthenticationError),
        (401, "authentication_error", "invalid x-api-key", errors.UpstreamAuthenticationError),
        (402, "billing_error", "pay", errors.UpstreamAuthenticationError),
        (403, "permission_error", "no", errors.UpstreamAuthenticationError),
        (404, "not_found_error", "model: claude-sonet-4-5", errors.UpstreamModelMissingError),
        (404, "not_found_error", "File not found: file_1", errors.NotFoundError),
        (409, "conflict_error", "busy", errors.UpstreamUnavailableError),
        (413, "request_too_large", "32 MB", errors.TooLargeError),
        (415, "invalid_request_error", "text", errors.MediaTypeError),
        (429, "rate_limit_error", "slow down", errors.UpstreamRateLimitedError),
        (500, "api_error", "oops", errors.UpstreamUnavailableError),
        (502, "api_error", "oops", errors.UpstreamUnavailableError),
        (504, "timeout_error", "late", errors.UpstreamTimeoutError),
        (529, "overloaded_error", "Overloaded", errors.UpstreamOverloadedError),
    ],
)
def test_status_and_words_decide_the_class(status: int, kind: str, message: str, wanted: type[errors.TianjiError]) -> None:
    error = error_of(_answer(status, kind, message), "anthropic")
    assert type(error) is wanted
    assert error.message == f"anthropic: {message}"
    assert error.provider == "anthropic"


def test_rate_limit_carries_the_wait_that_the_provider_asks_for() -> None:
    error = error_of(_answer(429, "rate_limit_error", headers=(("retry-after", "7"),)), "anthropic")
    assert error.retry_after_seconds == 7


def test_field_at_fault_is_taken_from_the_message() -> None:
    error = error_of(_answer(400, "invalid_request_error", "messages.0.content: Field required"), "anthropic")
    assert error.param == "messages.0.content"


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b'{"error": "gone"}', b'{"error": {}}', b"[]"])
def test_answer_in_no_known_form_is_still_an_error_of_its_status(body: bytes) -> None:
    error = error_of(HttpResponse(status=502, body=body), "anthropic")
    assert isinstance(error, errors.UpstreamUnavailableError)
    assert error.status == 502


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("overloaded_error", errors.UpstreamOverloadedError),
        ("rate_limit_error", errors.UpstreamRateLimitedError),
        ("api_error", errors.UpstreamUnavailableError),
        ("timeout_error", errors.UpstreamTimeoutError),
        ("invalid_request_error", errors.InvalidRequestError),
        ("brand_new_error", errors.UpstreamUnavailableError),
    ],
)
def test_error_inside_a_stream_is_mapped_by_its_type(kind: str, wanted: type[errors.TianjiError]) -> None:
    assert type(stream_error({"type": "error", "error": {"type": kind, "message": "x"}}, "anthropic")) is wanted


def test_error_without_a_message_says_so() -> None:
    assert "without a message" in stream_error({"type": "error", "error": {"type": "api_error"}}, "anthropic").message
