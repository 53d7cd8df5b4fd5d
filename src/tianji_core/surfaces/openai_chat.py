"""OpenAI's chat completions. Source: OpenAI's API reference, `POST /v1/chat/completions`."""

from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.dialects.openai_chat.surface import OpenAIChatSurface
from tianji_core.shapes.codecs import Surface

SURFACE = Surface(
    name="openai_chat",
    operation="chat",
    dialect=DIALECT,
    codec=OpenAIChatSurface(),
    paths=("/chat/completions", "/engines/{model}/chat/completions", "/openai/deployments/{model}/chat/completions"),
    envelope="openai",
)
