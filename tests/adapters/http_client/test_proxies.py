"""The environment's proxies, as curl reads them."""

import pytest

from tianji_adapters.http_client.proxies import proxy_from_environment

BOTH = {"https_proxy": "http://secure:1", "HTTP_PROXY": "http://plain:2"}


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("https://api.example/v1", {}, None),
        ("https://api.example/v1", BOTH, "http://secure:1"),
        ("http://api.example/v1", BOTH, "http://plain:2"),
        ("https://api.example/v1", {"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"}, "http://lower:1"),
        ("https://api.example/v1", {"ALL_PROXY": "socks5://all:3"}, "socks5://all:3"),
        ("https://api.example/v1", {"HTTPS_PROXY": "bare:4"}, "http://bare:4"),
        ("https://api.example/v1", {"HTTPS_PROXY": ""}, None),
        ("https://api.example/v1", {**BOTH, "NO_PROXY": "api.example"}, None),
        ("https://api.example/v1", {**BOTH, "NO_PROXY": "example"}, None),
        ("https://api.example/v1", {**BOTH, "NO_PROXY": ".example"}, None),
        ("https://api.example/v1", {**BOTH, "NO_PROXY": "*.example"}, None),
        ("https://API.Example/v1", {**BOTH, "no_proxy": " other , api.EXAMPLE"}, None),
        ("https://api.example/v1", {**BOTH, "NO_PROXY": "*"}, None),
        ("https://api.example/v1", {**BOTH, "NO_PROXY": "pi.example"}, "http://secure:1"),
        ("https://api.example:8443/v1", {**BOTH, "NO_PROXY": "api.example:8443"}, None),
        ("https://api.example/v1", {**BOTH, "NO_PROXY": "api.example:8443"}, "http://secure:1"),
        ("https://[::1]:8443/v1", {**BOTH, "NO_PROXY": "[::1]"}, None),
    ],
)
def test_environment_names_the_proxy(url: str, environment: dict[str, str], expected: str | None) -> None:
    assert proxy_from_environment(url, environment) == expected
