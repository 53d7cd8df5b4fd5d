"""Anthropic's Messages: both directions, whole and streamed."""

from tianji_core.dialects.anthropic_messages.codec import AnthropicMessages, AnthropicTokenCount, Server
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.surface import CountTokensCodec, MessagesSurface

__all__ = ["DIALECT", "AnthropicMessages", "AnthropicTokenCount", "CountTokensCodec", "MessagesSurface", "Server"]
