import pytest

from tianji_core.calls.deployment import Deployment, DeploymentId, TransportOptions
from tianji_core.calls.secret import Secret
from tianji_core.errors import UpstreamAuthenticationError
from tianji_core.translation.provider_words import without_secrets

DEPLOYMENT = Deployment(
    id=DeploymentId("d"),
    group="g",
    provider="openai",
    model="m",
    base_url="https://user:of-the-address@provider.example/v1",
    auth_secret=Secret("key-of-the-provider"),
    headers=(("x-anything", "of-the-header"), ("accept", "application/json")),
    transport=TransportOptions(proxy=Secret("http://u:of-the-proxy@proxy.example")),
)


@pytest.mark.parametrize("secret", ["of-the-address", "key-of-the-provider", "of-the-header", "http://u:of-the-proxy@proxy.example"])
def test_secret_of_the_deployment_is_taken_out_of_every_word(secret: str) -> None:
    error = UpstreamAuthenticationError(f"openai: no such key: {secret}.", param=f"headers.{secret}", code=f"bad {secret}")
    without_secrets(error, DEPLOYMENT)
    assert secret not in f"{error} {error!r} {error.param} {error.code}"
    assert error.message == "openai: no such key: ***."


def test_what_looks_like_a_secret_is_taken_out_too() -> None:
    error = UpstreamAuthenticationError("openai: you sent Bearer abcdefgh12345678 and sk-abcdefgh12345678")
    without_secrets(error, DEPLOYMENT)
    assert "abcdefgh12345678" not in str(error)


def test_other_words_stay() -> None:
    error = UpstreamAuthenticationError(
        "openai: `max_tokens` must be application/json", param="max_tokens", code="invalid_type", hint="see"
    )
    without_secrets(error, DEPLOYMENT)
    assert (error.message, error.param, error.code, error.hint) == (
        "openai: `max_tokens` must be application/json",
        "max_tokens",
        "invalid_type",
        "see",
    )
    assert error.args == (error.message,)


def test_deployment_without_secrets_changes_nothing() -> None:
    error = UpstreamAuthenticationError("local: no")
    without_secrets(error, Deployment(id=DeploymentId("d"), group="g", provider="local", model="m"))
    assert str(error) == "local: no"
