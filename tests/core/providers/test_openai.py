"""OpenAI as a provider."""

import pytest

from support.chat import FACTS, chat_request, deployment
from tianji_core.calls.chat import Message, Text
from tianji_core.calls.http import Bearer
from tianji_core.calls.secret import Secret
from tianji_core.providers.openai import PROVIDER


def test_provider_can_do_everything_that_openai_offers() -> None:
    assert (PROVIDER.name, PROVIDER.needs_key, PROVIDER.needs_base_url, PROVIDER.trusts_cost) == ("openai", True, False, False)
    assert None not in (PROVIDER.chat, PROVIDER.completions, PROVIDER.embeddings)
    assert PROVIDER.count_tokens is None


def test_call_goes_to_openai_with_the_deployments_key() -> None:
    http = PROVIDER.chat.encode(chat_request(), deployment(), FACTS).http  # type: ignore[union-attr]
    assert (http.method, http.url, http.auth) == ("POST", "https://api.openai.com/v1/chat/completions", Bearer(Secret("sk-upstream")))


def test_organization_of_the_deployment_is_named() -> None:
    http = PROVIDER.chat.encode(chat_request(), deployment(options={"organization": "org-1"}), FACTS).http  # type: ignore[union-attr]
    assert ("openai-organization", "org-1") in http.headers


def test_developer_messages_stay_what_they_are() -> None:
    request = chat_request(messages=(Message(role="developer", parts=(Text(text="x"),), plain=True),))
    assert b'"role":"developer"' in PROVIDER.chat.encode(request, deployment(), FACTS).http.body  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["gpt-4o", "o3-mini", "text-embedding-3-small", "ft:gpt-4o:acme", "chatgpt-4o-latest"])
def test_bare_names_of_its_models_are_known(name: str) -> None:
    assert name.startswith(PROVIDER.known_prefixes)
