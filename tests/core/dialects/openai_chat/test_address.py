"""Base URLs in every form that people write."""

import pytest

from tianji_core.dialects.openai_chat.address import operation_url


@pytest.mark.parametrize(
    "base",
    [
        "https://host.example",
        "https://host.example/",
        "https://host.example/v1",
        "https://host.example/v1/",
        "https://host.example/v1/chat/completions",
        "https://host.example/v1/chat/completions/",
        "https://host.example/v1/embeddings",
    ],
)
def test_every_form_leads_to_the_operation(base: str) -> None:
    assert operation_url(base, "/chat/completions", version="/v1") == "https://host.example/v1/chat/completions"


def test_path_of_the_servers_own_is_kept_and_so_is_a_query() -> None:
    assert operation_url("https://h.example/openai/v1?api-version=1", "/embeddings", version="/v1") == (
        "https://h.example/openai/v1/embeddings?api-version=1"
    )


def test_api_without_a_version_gets_none() -> None:
    assert operation_url("https://api.example", "/chat/completions") == "https://api.example/chat/completions"
