import pytest

from tianji_core.pricing.names import belongs_to, own_names, relatives


def test_a_providers_own_names_begin_with_it_also_where_it_is_written_with_a_hyphen() -> None:
    assert own_names("openai", "m") == ("openai/m",)
    assert own_names("amazon_nova", "m") == ("amazon_nova/m", "amazon-nova/m")


@pytest.mark.parametrize(
    ("listed", "provider", "expected"),
    [
        ("openai", "openai", True),
        ("text-completion-openai", "openai", True),
        ("cohere_chat", "cohere", True),
        ("vertex_ai-language-models", "vertex_ai", True),
        ("openai", "groq", False),
        ("openrouter", "open", False),
        (None, "openai", True),
    ],
)
def test_a_bare_entry_belongs_to_the_provider_it_names(listed: str | None, provider: str, expected: bool) -> None:
    assert belongs_to(listed, provider) is expected


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-5-2025-08-07", ["gpt-5"]),
        ("anthropic", "claude-sonnet-4-5-20250929", ["claude-sonnet-4-5"]),
        ("anthropic", "claude-sonnet-4-5-latest", ["claude-sonnet-4-5"]),
        ("vertex_ai", "claude-sonnet-4-5@20250929", ["claude-sonnet-4-5"]),
        ("openai", "gpt-5", []),
        ("openai", "gpt-4-0613", []),
        ("openai", "latest", []),
        ("openai", "-20250929", []),
        ("bedrock", "us.anthropic.claude-x-v1:0", ["anthropic.claude-x-v1:0"]),
        ("bedrock", "anthropic.claude-x-v1:0", []),
        ("openai", "us.anthropic.claude-x", []),
    ],
)
def test_relatives_lack_the_region_or_the_date(provider: str, model: str, expected: list[str]) -> None:
    assert list(relatives(provider, model)) == expected
