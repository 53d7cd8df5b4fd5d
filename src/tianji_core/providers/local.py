"""The embedded model: llama.cpp's own OpenAI-compatible server on the loopback, started by the gateway itself."""

from tianji_core.dialects.openai_chat import DIALECT, OpenAIChat, Quirks, Server
from tianji_core.dialects.openai_completions import OpenAICompletions
from tianji_core.shapes.codecs import Provider

_SERVER = Server(provider="local", base_url=None, quirks=Quirks())

PROVIDER = Provider(
    name="local",
    dialect=DIALECT,
    chat=OpenAIChat(server=_SERVER),
    completions=OpenAICompletions(server=_SERVER),
    needs_key=False,
    needs_base_url=True,
)
