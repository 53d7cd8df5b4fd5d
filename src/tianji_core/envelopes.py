"""An error as each surface's own API would answer it: status, headers, body.

Sources: OpenAI's and Anthropic's error pages; the retry headers are those that both vendors' SDKs read.
"""

import math

from tianji_core.calls.http import Headers
from tianji_core.error_table import code_of, message_of, should_not_retry, words_of
from tianji_core.errors import LimitExceededError, TianjiError
from tianji_core.wire.json import encode

Envelope = tuple[int, Headers, bytes]


def openai_object(error: BaseException) -> dict[str, object]:
    """Return the value of `error` in OpenAI's envelope; its four keys are always present, `budget` where one is used up."""
    return {
        "message": message_of(error),
        "type": words_of(error).openai,
        "param": error.param if isinstance(error, TianjiError) else None,
        "code": code_of(error),
        **_budget(error),
    }


def openai_error(error: BaseException, request_id: str) -> Envelope:
    """Return the answer of an OpenAI surface."""
    headers = (("content-type", "application/json"), ("x-request-id", request_id), *retry_headers(error))
    return words_of(error).status, headers, encode({"error": openai_object(error)})


def anthropic_object(error: BaseException, request_id: str) -> dict[str, object]:
    """Return Anthropic's whole error body; it is the data of an `error` event too."""
    return {
        "type": "error",
        "error": {"type": words_of(error).anthropic, "message": message_of(error), **_budget(error)},
        "request_id": request_id,
    }


def anthropic_error(error: BaseException, request_id: str) -> Envelope:
    """Return the answer of the Messages surface; its word for 503 is 529."""
    status = words_of(error).status
    headers = (("content-type", "application/json"), ("request-id", request_id), *retry_headers(error))
    return 529 if status == 503 else status, headers, encode(anthropic_object(error, request_id))


def retry_headers(error: BaseException) -> Headers:
    """Return `retry-after` (rounded up) where the end is known, `x-should-retry` where status misleads, and the error's own headers."""
    own = error.headers if isinstance(error, LimitExceededError) else ()
    if should_not_retry(error):
        return (("x-should-retry", "false"), *own)
    seconds = error.retry_after_seconds if isinstance(error, TianjiError) else None
    if seconds is None:
        return own
    return (("retry-after", str(max(1, math.ceil(seconds)))), ("retry-after-ms", str(max(1, math.ceil(seconds * 1000)))), *own)


def _budget(error: BaseException) -> dict[str, object]:
    return {"budget": error.budget} if isinstance(error, LimitExceededError) and error.budget is not None else {}
