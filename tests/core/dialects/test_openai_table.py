"""Providers that are rows of data."""

import pytest

from tianji_app.catalog import all_providers
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks
from tianji_core.dialects.openai_table import providers_of
from tianji_core.errors import ConfigurationError


def test_row_becomes_a_provider_with_its_quirks() -> None:
    row = {
        "base_url": "https://api.acme.example/v1",
        "api_key_env": ["ACME_API_KEY"],
        "quirks": ["mct", "flatten", "header:X-Title=TianJi", "temperature_max=1", "custom"],
        "aliases": ["acme2"],
        "reasoning_field": "reasoning",
    }
    provider = providers_of({"acme": row})["acme"]
    assert isinstance(provider.chat, OpenAIChat)
    assert provider.chat.server.quirks == Quirks(
        max_tokens_field="max_tokens", flatten="always", headers=(("x-title", "TianJi"),), max_temperature="1", reasoning_field="reasoning"
    )
    assert (provider.key_variables, provider.aliases, provider.needs_key) == (("ACME_API_KEY",), ("acme2",), True)


def test_unknown_quirk_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match="'acme' of the table has the unknown quirk 'fancy'"):
        providers_of({"acme": {"base_url": "https://x.example", "quirks": ["fancy"]}})


def test_packaged_table_is_whole() -> None:
    providers = all_providers()
    assert len({provider.name for provider in providers.values()}) > 100
    for provider in providers.values():
        if isinstance(provider.chat, OpenAIChat):
            assert provider.chat.server.base_url or provider.needs_base_url
