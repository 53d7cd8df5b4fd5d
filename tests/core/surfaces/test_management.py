"""The error envelope of the management plane."""

import msgspec
import pytest

from tianji_core import errors
from tianji_core.surfaces._management import management_error


def _sent(error: BaseException) -> tuple[int, dict[str, object]]:
    status, _, body = management_error(error, "r", with_detail=False)
    return status, msgspec.json.decode(body)["error"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.InvalidRequestError("x"), 400, "bad_request_error"),
        (errors.AuthenticationError("x"), 401, "auth_error"),
        (errors.AuthenticationError("x", code="expired_key"), 401, "expired_key"),
        (errors.UnknownKeyError("x"), 401, "token_not_found_in_db"),
        (errors.PermissionDeniedError("x"), 403, "auth_error"),
        (errors.PermissionDeniedError("x", code="key_blocked"), 403, "key_blocked"),
        (errors.ModelNotAllowedError("x"), 403, "key_model_access_denied"),
        (errors.NotFoundError("x"), 404, "not_found_error"),
        (errors.ConflictError("x", code="key_alias_exists"), 409, "key_alias_exists"),
        (errors.PreconditionFailedError("x"), 412, "version_mismatch"),
        (errors.UnprocessableError("x"), 422, "validation_error"),
        (errors.UnprocessableError("x", code="unsupported_field"), 422, "unsupported_field"),
        (errors.RateLimitedError("x"), 429, "throttling_error"),
        (errors.DependencyUnavailableError("x"), 503, "no_db_connection"),
        (errors.DependencyUnavailableError("x", code="auth_unavailable"), 503, "auth_unavailable"),
        (ValueError("secret"), 500, "internal_server_error"),
    ],
)
def test_every_error_has_its_word_and_its_status_as_text(error: Exception, status: int, kind: str) -> None:
    found, told = _sent(error)
    assert (found, told["type"], told["code"]) == (status, kind, str(status))
    assert "secret" not in str(told)


def test_faults_are_listed() -> None:
    faults = [errors.Fault("a.b", "bad", "invalid_type"), errors.Fault("c", "worse", "invalid_value")]
    _, told = _sent(errors.UnprocessableError("x", faults=faults, param="a.b"))
    assert told["errors"] == [fault._asdict() for fault in faults]
    assert told["param"] == "a.b"


def test_detail_repeats_the_message_for_older_clients() -> None:
    _, headers, body = management_error(errors.ConflictError("taken", hint="choose another"), "request-7")
    document = msgspec.json.decode(body)
    assert document["detail"] == {"error": document["error"]["message"]}
    assert ("x-request-id", "request-7") in headers


def test_retry_headers_go_along() -> None:
    _, headers, _ = management_error(errors.DependencyUnavailableError("x", retry_after_seconds=5), "r")
    assert ("retry-after", "5") in headers
