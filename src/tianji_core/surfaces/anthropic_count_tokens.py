"""Anthropic's token count. Source: Anthropic's API reference, `POST /v1/messages/count_tokens`."""

from tianji_core.dialects.anthropic_messages import DIALECT, CountTokensCodec
from tianji_core.shapes.codecs import Surface

SURFACE = Surface(
    name="anthropic_count_tokens",
    operation="count_tokens",
    dialect=DIALECT,
    codec=CountTokensCodec(),
    paths=("/messages/count_tokens",),
    envelope="anthropic",
)
