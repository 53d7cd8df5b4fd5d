"""Headers, proxy and TLS of a deployment."""

import pytest

from support.configuration import errors_of, load
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.secret import Secret


def _text(params: str) -> str:
    return f"model_list:\n  - {{model_name: a, tianji_params: {{model: gpt-4o, api_key: k, {params}}}}}"


def _transport(params: str, settings: str = "") -> TransportOptions:
    return load(f"tianji_settings: {{{settings}}}\n{_text(params)}").deployments[0].transport


def test_headers_get_lower_case_names_and_text_values() -> None:
    deployment = load(_text("extra_headers: {X-One: 1, x-two: ' b ', X-None: null}")).deployments[0]
    assert deployment.headers == (("x-one", "1"), ("x-two", "b"))


@pytest.mark.parametrize(
    "headers", ["{'a b': x}", "{'': x}", '{a: "x\\r\\nEvil: 1"}', "{a: [x]}", "{a: 'ключ'}", '{"a:b": x}', '{a: "\\0"}']
)
def test_headers_that_cannot_be_sent_are_errors(headers: str) -> None:
    assert len(errors_of(_text(f"extra_headers: {headers}"))) == 1


def test_transport_options_arrive() -> None:
    options = _transport("http2: true, proxy: 'socks5://p:1', ca_file: ca.pem, client_certificate: /c.pem, client_key: k.pem")
    assert options == TransportOptions(
        http2=True, proxy=Secret("socks5://p:1"), ca_file="ca.pem", client_certificate="/c.pem", client_key="k.pem"
    )
    assert _transport("weight: 1") == TransportOptions()


@pytest.mark.parametrize(
    ("params", "settings", "verify", "ca_file"),
    [
        ("ssl_verify: false", "", False, None),
        ("ssl_verify: corporate.pem", "", True, "corporate.pem"),
        ("weight: 1", "ssl_verify: false", False, None),
        ("weight: 1", "ssl_verify: global.pem", True, "global.pem"),
        ("ssl_verify: true", "ssl_verify: false", True, None),
        ("ssl_verify: true", "ssl_verify: global.pem", True, None),
    ],
)
def test_the_deployment_decides_before_the_settings(params: str, settings: str, verify: bool, ca_file: str | None) -> None:
    options = _transport(params, settings)
    assert (options.verify, options.ca_file) == (verify, ca_file)


@pytest.mark.parametrize("params", ["client_key: k.pem", "ca_file: a.pem, ssl_verify: false", "proxy: 'ftp://x'"])
def test_options_that_contradict_each_other_are_errors(params: str) -> None:
    assert len(errors_of(_text(params))) == 1
