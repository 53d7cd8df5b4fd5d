"""Providers that are rows of data."""

import json
from typing import Any

import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_app.catalog import all_providers
from tianji_core.dialects.openai_chat import OpenAIChat, Quirks
from tianji_core.dialects.openai_table import providers_of
from tianji_core.errors import ConfigurationError
from tianji_core.shapes.codecs import Provider


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


def test_unknown_attribute_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match="'acme' of the table has the unknown attribute 'colour'"):
        providers_of({"acme": {"base_url": "https://x.example", "quirks": [], "colour": "red"}})


def test_header_with_the_key_is_the_servers_scheme() -> None:
    row = {"base_url": "https://x.example", "quirks": ["header:X-Key=Key {api_key}", "header:X-Title=TianJi"]}
    quirks = _quirks(providers_of({"acme": row})["acme"])
    assert (quirks.key_header, quirks.headers) == (("x-key", "Key "), (("x-title", "TianJi"),))


def test_attributes_of_a_row_are_its_quirks() -> None:
    row = {
        "base_url": "https://x.example",
        "quirks": ["think_tags", "thinking_switch", "no_json_schema", "drop_empty_assistant"],
        "unsupported": ["a"],
        "unconfirmed": ["b"],
        "ignored": ["c"],
        "renames": {"seed": "random_seed"},
        "required_choice": "any",
        "tool_call_ids": "mistral",
        "drops_tool_fields": ["strict"],
        "drops_schema_keywords": ["$id"],
    }
    assert _quirks(providers_of({"acme": row})["acme"]) == Quirks(
        think_tags=True,
        thinking_switch=True,
        no_json_schema=True,
        drops_empty_assistant=True,
        unsupported=frozenset({"a"}),
        unconfirmed=frozenset({"b"}),
        ignored=frozenset({"c"}),
        renames={"seed": "random_seed"},
        required_choice="any",
        tool_call_ids="mistral",
        drops_tool_fields=frozenset({"strict"}),
        drops_schema_keywords=frozenset({"$id"}),
    )


def test_address_with_a_place_to_fill_is_never_called_as_it_stands() -> None:
    provider = all_providers()["cloudflare"]
    assert isinstance(provider.chat, OpenAIChat)
    assert (provider.chat.server.base_url, provider.needs_base_url) == (None, True)
    assert provider.base_template == "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1"


def test_table_names_nothing_in_braces_but_places_to_fill_and_words_it_knows() -> None:
    for provider in all_providers().values():
        if isinstance(provider.chat, OpenAIChat):
            quirks = provider.chat.server.quirks
            assert not any("{" in value for _, value in quirks.headers)
            assert quirks.tool_call_ids in ("openai", "mistral")
            assert not quirks.unsupported & (quirks.unconfirmed | quirks.ignored)


@pytest.mark.parametrize(
    ("provider", "parameters", "sent"),
    [
        ("groq", {"logprobs": True, "n": 2, "verbosity": "low", "seed": 1}, {"seed": 1}),
        ("deepseek", {"frequency_penalty": 1, "seed": 1, "service_tier": "auto", "top_p": 1}, {"top_p": 1}),
        ("cerebras", {"presence_penalty": 1, "logit_bias": {"1": 1}, "seed": 1}, {"seed": 1}),
        ("zai", {"safety_identifier": "u", "temperature": 1}, {"temperature": 1}),
        (
            "mistral",
            {"seed": 1, "prediction": {"type": "content"}, "logit_bias": {"1": 1}},
            {"random_seed": 1, "prediction": {"type": "content"}},
        ),
    ],
)
def test_known_servers_get_what_they_take_and_the_rest_is_named(
    provider: str, parameters: dict[str, object], sent: dict[str, object]
) -> None:
    codec: Any = all_providers()[provider].chat
    request = chat_request(parameters=parameters, max_output_tokens=5, max_output_tokens_field="max_completion_tokens")
    encoded = codec.encode(request, deployment(provider, "m", parameter_mode="drop"), FACTS)
    body = json.loads(encoded.http.body)
    limit = "max_completion_tokens" if provider == "groq" else "max_tokens"
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == {**sent, limit: 5}
    assert set(encoded.dropped) == {
        name for name in parameters if (name not in sent and name != "seed") or (name == "seed" and provider == "deepseek")
    }


def _quirks(provider: Provider) -> Quirks:
    assert isinstance(provider.chat, OpenAIChat)
    return provider.chat.server.quirks


def test_packaged_table_is_whole() -> None:
    providers = all_providers()
    assert len({provider.name for provider in providers.values()}) > 100
    for provider in providers.values():
        if isinstance(provider.chat, OpenAIChat):
            assert provider.chat.server.base_url or provider.needs_base_url
