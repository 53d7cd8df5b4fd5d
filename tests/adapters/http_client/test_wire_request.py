import pytest

from tianji_adapters.http_client.wire_request import address_of, sent_headers
from tianji_core.calls.http import Headers, HttpRequest
from tianji_core.errors import ConfigurationError, UpstreamProtocolError

ADDRESS = address_of("http://api.example/v1")


def lines(*headers: tuple[str, str], method: str = "POST", body: bytes = b"{}") -> Headers:
    return tuple(sent_headers(HttpRequest(method=method, url="http://api.example/v1", body=body), headers, ADDRESS, "tianji/1"))


def test_address_is_taken_apart() -> None:
    address = address_of("https://user:planted@api.example:8443/v1/a b?c=d e#there")
    assert (address.scheme, address.host, address.port) == ("https", "api.example", 8443)
    assert (address.authority, address.target) == ("api.example:8443", "/v1/a%20b?c=d%20e")


def test_address_of_ipv6_has_brackets_in_its_authority_only() -> None:
    address = address_of("http://[::1]:8000")
    assert (address.host, address.authority, address.target) == ("::1", "[::1]:8000", "/")


def test_target_cannot_hold_a_line_end() -> None:
    assert not {"\r", "\n", " "} & set(address_of("http://api.example/a%0d%0ab c\u2028?d=\x7f").target)


@pytest.mark.parametrize(
    "url", ["api.example", "ftp://api.example", "http://", "http://[planted", "http://api.example:planted", "http://" + "\u00e4" * 70]
)
def test_address_that_is_none_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        address_of(url)
    assert "planted" not in str(caught.value)


def test_framing_headers_of_the_request_give_way_to_ours() -> None:
    given = [(name, "x") for name in ("host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade")]
    assert lines(*given, ("accept-encoding", "br")) == (
        ("host", "api.example"),
        ("user-agent", "tianji/1"),
        ("accept-encoding", "identity"),
        ("content-length", "2"),
    )


def test_user_agent_of_the_request_stays() -> None:
    assert [value for name, value in lines(("user-agent", "theirs")) if name == "user-agent"] == ["theirs"]


@pytest.mark.parametrize(
    ("method", "body", "has_length"), [("GET", b"", False), ("GET", b"x", True), ("POST", b"", True), ("HEAD", b"", False)]
)
def test_length_is_said_where_a_body_may_be(method: str, body: bytes, has_length: bool) -> None:
    assert ("content-length" in dict(lines(method=method, body=body))) is has_length


@pytest.mark.parametrize("value", ["a\tb", "gr\u00fcn", "", "a b"])
def test_legal_values_are_sent_as_they_are(value: str) -> None:
    assert dict(lines(("x-a", value)))["x-a"] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "planted\r\nx-b: c"),
        ("x-a", "planted\n"),
        ("x-a", "plan\0ted"),
        ("x-a", "planted\u20ac"),
        ("x planted", "b"),
        ("x-planted:", "b"),
        ("", "b"),
    ],
)
def test_line_that_cannot_be_said_is_refused_unsent_and_not_quoted(name: str, value: str) -> None:
    with pytest.raises(UpstreamProtocolError) as caught:
        lines((name, value))
    assert caught.value.sent is False
    assert "planted" not in str(caught.value)
