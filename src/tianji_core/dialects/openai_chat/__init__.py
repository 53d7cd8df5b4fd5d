"""OpenAI's chat completions, the wire format that most servers speak: both directions, whole and streamed."""

from tianji_core.dialects.openai_chat.codec import OpenAIChat, Server
from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.dialects.openai_chat.quirks import Quirks

__all__ = ["DIALECT", "OpenAIChat", "Quirks", "Server"]
