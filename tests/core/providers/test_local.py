"""The embedded model's server as a provider."""

import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.http import NoAuth
from tianji_core.errors import ConfigurationError
from tianji_core.providers.local import PROVIDER


def test_provider_needs_an_address_and_no_key() -> None:
    assert (PROVIDER.name, PROVIDER.needs_key, PROVIDER.needs_base_url) == ("local", False, True)
    assert PROVIDER.embeddings is None
    with pytest.raises(ConfigurationError, match="api_base"):
        PROVIDER.chat.encode(chat_request(), deployment("local", "m", auth_secret=None), FACTS)  # type: ignore[union-attr]


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/"])
def test_call_goes_to_that_address_without_a_credential(base: str) -> None:
    http = PROVIDER.chat.encode(chat_request(), deployment("local", "m", auth_secret=None, base_url=base), FACTS).http  # type: ignore[union-attr]
    assert (http.url, http.auth) == ("http://127.0.0.1:8080/v1/chat/completions", NoAuth())
