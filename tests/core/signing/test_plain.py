"""Credentials become text at the moment of sending, and only there."""

import pytest

from tianji_core.calls.http import Auth, Bearer, HeaderKey, Headers, HttpRequest, NoAuth, QueryKey
from tianji_core.calls.secret import Secret
from tianji_core.signing.plain import signed_headers

_SECRET = Secret("k e&y")


@pytest.mark.parametrize(
    ("auth", "url", "added"),
    [
        (NoAuth(), "https://a.example/v1?x=1", ()),
        (Bearer(_SECRET), "https://a.example/v1?x=1", (("authorization", "Bearer k e&y"),)),
        (HeaderKey("x-api-key", _SECRET), "https://a.example/v1?x=1", (("x-api-key", "k e&y"),)),
        (HeaderKey("authorization", _SECRET, "Token "), "https://a.example/v1?x=1", (("authorization", "Token k e&y"),)),
    ],
)
def test_scheme_adds_its_header(auth: Auth, url: str, added: Headers) -> None:
    request = HttpRequest(method="POST", url="https://a.example/v1?x=1", headers=(("a", "b"),), auth=auth)
    signed_url, headers = signed_headers(request)
    assert signed_url == url
    assert [pair for pair in headers if pair != ("a", "b")] == list(added)


def test_query_key_is_encoded_into_the_url() -> None:
    url, headers = signed_headers(HttpRequest(method="GET", url="https://a.example/v1?x=1", auth=QueryKey("key", _SECRET)))
    assert url.startswith("https://a.example/v1?x=1&key=k")
    assert " " not in url
    assert "&y" not in url
    assert headers == ()
