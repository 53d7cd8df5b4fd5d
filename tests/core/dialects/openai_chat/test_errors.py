"""Error answers of OpenAI-compatible servers, in every form."""

import json

import pytest

from tianji_core import errors
from tianji_core.calls.http import HttpResponse
from tianji_core.dialects.openai_chat.errors import error_of, stream_error


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (400, {"error": {"message": "bad", "param": "n", "code": "invalid_value"}}, errors.InvalidRequestError, "acme: bad"),
        (400, {"error": {"message": "too long", "code": "context_length_exceeded"}}, errors.ContextWindowExceededError, "too long"),
        (400, {"message": "This model's maximum context length is 10 tokens"}, errors.ContextWindowExceededError, "maximum context"),
        (400, {"error": {"message": "no", "code": "content_filter"}}, errors.ContentPolicyError, "no"),
        (401, {"error": {"message": "bad key"}}, errors.UpstreamAuthenticationError, "bad key"),
        (402, {"error": "Insufficient Balance"}, errors.UpstreamAuthenticationError, "Insufficient Balance"),
        (403, {"detail": "forbidden"}, errors.UpstreamAuthenticationError, "forbidden"),
        (404, {"error": {"message": "no such model"}}, errors.UpstreamModelMissingError, "no such model"),
        (408, {}, errors.UpstreamTimeoutError, "HTTP 408"),
        (409, {}, errors.UpstreamUnavailableError, "HTTP 409"),
        (413, {"error": {"message": "big"}}, errors.TooLargeError, "big"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, errors.InvalidRequestError, "field required"),
        (429, {"error": {"message": "slow"}}, errors.UpstreamRateLimitedError, "slow"),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, errors.UpstreamAuthenticationError, "pay"),
        (500, {"error": {"message": "oops"}}, errors.UpstreamUnavailableError, "oops"),
        (503, {"error": "loading"}, errors.UpstreamOverloadedError, "loading"),
        (529, {}, errors.UpstreamOverloadedError, "HTTP 529"),
        (504, {}, errors.UpstreamTimeoutError, "HTTP 504"),
    ],
)
def test_status_and_words_decide_the_class(status: int, body: object, kind: type[errors.TianjiError], text: str) -> None:
    error = error_of(HttpResponse(status=status, body=json.dumps(body).encode()), "acme")
    assert type(error) is kind
    assert text in error.message
    assert error.provider == "acme"


def test_text_that_is_no_json_is_the_message() -> None:
    assert error_of(HttpResponse(status=502, body=b"<html>Bad Gateway"), "acme").message == "acme: <html>Bad Gateway"


def test_retry_after_is_carried() -> None:
    response = HttpResponse(status=429, headers=(("retry-after", "7"),), body=b"{}")
    assert error_of(response, "acme").retry_after_seconds == 7


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "x", "code": 429}, errors.UpstreamRateLimitedError),
        ({"message": "x", "type": "rate_limit_error"}, errors.UpstreamRateLimitedError),
        ({"message": "x", "type": "overloaded_error"}, errors.UpstreamOverloadedError),
        ({"message": "x", "type": "invalid_request_error"}, errors.InvalidRequestError),
        ("text", errors.UpstreamUnavailableError),
    ],
)
def test_error_inside_an_answer_is_classed_by_its_number_or_its_words(error: object, kind: type[errors.TianjiError]) -> None:
    assert type(stream_error(error, "acme")) is kind
