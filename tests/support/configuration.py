"""Configurations from texts, for tests."""

from collections.abc import Mapping

from tianji_core.config import ConfigurationErrors, GatewayConfig, NeedFiles, SourceFile, load_config
from tianji_core.shapes.codecs import Provider

MASTER_KEY = "sk-0123456789abcdefghij"

_ALL = (
    Provider(name="openai", dialect="openai_chat", key_variables=("OPENAI_API_KEY",), known_prefixes=("gpt-", "o1")),
    Provider(name="anthropic", dialect="anthropic_messages", key_variables=("ANTHROPIC_API_KEY",), known_prefixes=("claude-",)),
    Provider(
        name="groq",
        dialect="openai_chat",
        key_variables=("GROQ_API_KEY", "GROQ_KEY"),
        base_variables=("GROQ_API_BASE",),
        known_prefixes=("gpt-oss-",),
    ),
    Provider(name="together_ai", dialect="openai_chat", key_variables=("TOGETHER_API_KEY",), aliases=("together",)),
    Provider(
        name="hosted_vllm",
        dialect="openai_chat",
        base_variables=("HOSTED_VLLM_API_BASE",),
        aliases=("vllm",),
        needs_key=False,
        needs_base_url=True,
    ),
    Provider(
        name="cloudflare",
        dialect="openai_chat",
        needs_key=False,
        needs_base_url=True,
        base_template="https://api/{CLOUDFLARE_ACCOUNT_ID}/v1",
    ),
)
PROVIDERS: Mapping[str, Provider] = {name: provider for provider in _ALL for name in (provider.name, *provider.aliases)}


def nothing_known(provider: str, model: str, base_model: str | None) -> Mapping[str, object]:
    """The price table of a test that does not care."""
    del provider, model, base_model
    return {}


def load_texts(texts: Mapping[str, str], environment: Mapping[str, str] | None = None) -> GatewayConfig | NeedFiles:
    """Load a configuration whose root is the first of the files."""
    sources = {path: SourceFile(text=text) for path, text in texts.items()}
    return load_config(next(iter(texts)), sources, environment or {}, PROVIDERS, nothing_known)


def load(text: str, environment: Mapping[str, str] | None = None) -> GatewayConfig:
    """Load one file, with a master key in the environment."""
    result = load_texts({"config.yaml": text}, {"TIANJI_MASTER_KEY": MASTER_KEY, **(environment or {})})
    assert isinstance(result, GatewayConfig)
    return result


def errors_of(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """Return what is wrong with a file, one text an error."""
    try:
        load(text, environment)
    except ConfigurationErrors as errors:
        return [str(error) for error in errors.errors]
    return []


def warnings_of(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """Return what a file's author should know."""
    return [str(warning) for warning in load(text, environment).warnings]
