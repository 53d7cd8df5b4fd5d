"""OpenAI. Source: OpenAI's Python SDK and API reference, read 2026-11-24."""

from tianji_core.dialects.openai_chat import DIALECT, OpenAIChat, Quirks, Server
from tianji_core.dialects.openai_completions import OpenAICompletions
from tianji_core.dialects.openai_embeddings import OpenAIEmbeddings
from tianji_core.shapes.codecs import Provider

_SERVER = Server(
    provider="openai",
    base_url="https://api.openai.com/v1",
    quirks=Quirks(developer_role="developer", openai_models=True),
)

PROVIDER = Provider(
    name="openai",
    dialect=DIALECT,
    chat=OpenAIChat(server=_SERVER),
    completions=OpenAICompletions(server=_SERVER),
    embeddings=OpenAIEmbeddings(server=_SERVER),
    key_variables=("OPENAI_API_KEY",),
    base_variables=("OPENAI_API_BASE", "OPENAI_BASE_URL"),
    known_prefixes=("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "ft:gpt-"),
)
