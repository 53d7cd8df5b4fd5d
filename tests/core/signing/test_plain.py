"""Credentials as header and query texts."""

import pytest

from tianji_core.calls.http import Auth, Bearer, HeaderKey, HttpRequest, NoAuth, QueryKey
from tianji_core.calls.secret import Secret
from tianji_core.errors import UpstreamAuthenticationError
from tianji_core.signing.plain import signed_headers

URL = "https://api.example/v1"


def request(auth: Auth, url: str = URL) -> HttpRequest:
    return HttpRequest(method="POST", url=url, headers=(("content-type", "application/json"), ("authorization", "old")), auth=auth)


@pytest.mark.parametrize(
    ("auth", "added"),
    [
        (Bearer(Secret("sk-1")), ("authorization", "Bearer sk-1")),
        (HeaderKey("Authorization", Secret("sk-1"), prefix="Token "), ("authorization", "Token sk-1")),
    ],
)
def test_header_credential_takes_the_place_of_a_header_of_its_name(auth: Auth, added: tuple[str, str]) -> None:
    assert signed_headers(request(auth)) == (URL, (("content-type", "application/json"), added))


def test_header_key_stands_beside_other_headers() -> None:
    url, headers = signed_headers(request(HeaderKey("x-api-key", Secret("sk-1"))))
    assert url == URL
    assert headers == (("content-type", "application/json"), ("authorization", "old"), ("x-api-key", "sk-1"))


def test_no_credential_changes_nothing() -> None:
    bare = request(NoAuth())
    assert signed_headers(bare) == (bare.url, bare.headers)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, f"{URL}?key=a%26b"),
        (f"{URL}?", f"{URL}?key=a%26b"),
        (f"{URL}?alt=sse", f"{URL}?alt=sse&key=a%26b"),
        (f"{URL}?alt=sse&", f"{URL}?alt=sse&key=a%26b"),
        (f"{URL}?alt=sse#part?x", f"{URL}?alt=sse&key=a%26b#part?x"),
    ],
)
def test_query_credential_is_encoded_into_the_query(url: str, expected: str) -> None:
    signed, headers = signed_headers(request(QueryKey("key", Secret("a&b")), url))
    assert signed == expected
    assert headers == request(NoAuth()).headers


@pytest.mark.parametrize("planted", ["sk-planted\n", "sk-planted\r\nx: y", "sk-plänted", "sk-planted\x00", "sk-planted\x7f"])
@pytest.mark.parametrize("kind", ["bearer", "header"])
def test_credential_that_no_header_may_hold_is_refused_without_quoting_it(planted: str, kind: str) -> None:
    auth: Auth = Bearer(Secret(planted)) if kind == "bearer" else HeaderKey("x-api-key", Secret(planted))
    with pytest.raises(UpstreamAuthenticationError) as caught:
        signed_headers(request(auth))
    assert caught.value.sent is False
    assert planted[:5] not in str(caught.value)
