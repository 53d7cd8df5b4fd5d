"""Anthropic. Source: Anthropic's Python SDK and API documentation, read 2026-11-24."""

from tianji_core.dialects.anthropic_messages import DIALECT, AnthropicMessages, AnthropicTokenCount, Server
from tianji_core.shapes.codecs import Provider

_SERVER = Server(provider="anthropic", base_url="https://api.anthropic.com")

PROVIDER = Provider(
    name="anthropic",
    dialect=DIALECT,
    chat=AnthropicMessages(server=_SERVER),
    count_tokens=AnthropicTokenCount(server=_SERVER),
    key_variables=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    base_variables=("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
    known_prefixes=("claude-",),
)
