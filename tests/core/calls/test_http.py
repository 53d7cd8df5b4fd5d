"""HTTP values."""

from tianji_core.calls.http import Bearer, HeaderKey, HttpRequest, HttpResponse, QueryKey
from tianji_core.calls.secret import Secret


def test_first_value_of_a_header_is_found_by_its_lower_case_name() -> None:
    response = HttpResponse(status=200, headers=(("x-a", "1"), ("x-a", "2")))
    assert (response.header("x-a"), response.header("x-b")) == ("1", None)


def test_request_of_any_scheme_prints_without_its_credential() -> None:
    secret = Secret("sk-hidden")
    for auth in (Bearer(secret), HeaderKey("x-api-key", secret), QueryKey("key", secret)):
        assert "hidden" not in repr(HttpRequest(method="POST", url="https://a.example", auth=auth))
