"""`provider/model`."""

import pytest

from support.configuration import PROVIDERS
from tianji_core.config.model_names import UnknownProviderError, split_model


@pytest.mark.parametrize(
    ("name", "configured", "provider", "model"),
    [
        ("openai/gpt-4o", None, "openai", "gpt-4o"),
        ("together/meta-llama/Llama-3", None, "together_ai", "meta-llama/Llama-3"),
        ("gpt-4o", None, "openai", "gpt-4o"),
        ("gpt-oss-20b", None, "groq", "gpt-oss-20b"),
        ("claude-sonnet-4-5", None, "anthropic", "claude-sonnet-4-5"),
        ("gpt-4o/ft", None, "openai", "gpt-4o/ft"),
        ("meta-llama/Llama-3", "groq", "groq", "meta-llama/Llama-3"),
        ("groq/llama", "groq", "groq", "llama"),
        ("together/llama", "together_ai", "together_ai", "llama"),
        ("openai/gpt-oss-20b", "groq", "groq", "openai/gpt-oss-20b"),
        ("llama", "vllm", "hosted_vllm", "llama"),
        ("openai/*", None, "openai", "*"),
    ],
)
def test_names_split_at_the_first_slash_that_means_a_provider(name: str, configured: str | None, provider: str, model: str) -> None:
    found = split_model(name, configured, PROVIDERS)
    assert (found.provider.name, found.model) == (provider, model)


@pytest.mark.parametrize(
    ("name", "configured", "message", "hint"),
    [
        ("opnai/gpt-4o", None, "TianJi has no provider `opnai`", "did you mean `openai`?"),
        ("zzz/x", None, "TianJi has no provider `zzz`", "any OpenAI-compatible server: `openai/<model>` with `api_base`"),
        ("llama", None, "`llama` names no provider", "write `provider/llama`, or set `custom_llm_provider`"),
        ("openai/", None, "TianJi has no provider `openai`", "did you mean `openai`?"),
        ("gpt-4o", "azure", "TianJi has no provider `azure`", "any OpenAI-compatible server: `openai/<model>` with `api_base`"),
    ],
)
def test_a_name_that_nobody_recognises_says_what_to_write(name: str, configured: str | None, message: str, hint: str) -> None:
    with pytest.raises(UnknownProviderError) as caught:
        split_model(name, configured, PROVIDERS)
    assert (str(caught.value), caught.value.hint) == (message, hint)
