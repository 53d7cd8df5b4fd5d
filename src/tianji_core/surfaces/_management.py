"""The error envelope of the management plane. Source: LiteLLM's proxy errors and what its dashboards and Terraform provider read.

    {"error": {"message", "type", "param", "code": "<status>", "errors": [{"field", "message", "code"}]}, "detail": {"error": message}}

`type` is a word to switch on, `code` the status as text, `errors` every bad field of a 422.
"""

from tianji_core.calls.http import Headers
from tianji_core.envelopes import Envelope, retry_headers
from tianji_core.error_table import message_of, words_of
from tianji_core.errors import TianjiError, UnprocessableError
from tianji_core.wire.json import encode


def management_object(error: BaseException) -> dict[str, object]:
    """Return the value of `error`."""
    found: dict[str, object] = {
        "message": message_of(error),
        "type": management_type(error),
        "param": error.param if isinstance(error, TianjiError) else None,
        "code": str(words_of(error).status),
    }
    if isinstance(error, UnprocessableError) and error.faults:
        found["errors"] = [fault._asdict() for fault in error.faults]
    return found


def management_type(error: BaseException) -> str:
    """Return the word of this error where it has one of its own (`key_alias_exists`), else that of its class (`auth_error`)."""
    if isinstance(error, TianjiError) and error.code is not None and error.code != error.default_code:
        return error.code
    return words_of(error).management


def management_error(error: BaseException, request_id: str, *, with_detail: bool = True) -> Envelope:
    """Return the answer: status, headers, body.

    Args:
        with_detail: Add `detail.error`, which older clients read (`compat_error_detail`).
    """
    document: dict[str, object] = {"error": management_object(error)}
    if with_detail:
        document["detail"] = {"error": message_of(error)}
    headers: Headers = (("content-type", "application/json"), ("x-request-id", request_id), *retry_headers(error))
    return words_of(error).status, headers, encode(document)
