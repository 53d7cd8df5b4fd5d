"""Base URLs in every form that people write."""

import pytest

from tianji_core.dialects.anthropic_messages.address import operation_url


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/messages/", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/messages/count_tokens", "https://api.anthropic.com/v1/messages"),
        ("https://h.example/anthropic", "https://h.example/anthropic/v1/messages"),
        ("https://h.example/anthropic/v1?key=1", "https://h.example/anthropic/v1/messages?key=1"),
    ],
)
def test_every_form_of_a_base_url_gives_the_same_address(base_url: str, url: str) -> None:
    assert operation_url(base_url, "/messages") == url


def test_token_count_has_its_own_path() -> None:
    assert operation_url("https://h.example/v1/messages", "/messages/count_tokens") == "https://h.example/v1/messages/count_tokens"
