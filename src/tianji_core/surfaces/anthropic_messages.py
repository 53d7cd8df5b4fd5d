"""Anthropic's Messages. Source: Anthropic's API reference, `POST /v1/messages`."""

from tianji_core.dialects.anthropic_messages import DIALECT, MessagesSurface
from tianji_core.shapes.codecs import Surface

SURFACE = Surface(
    name="anthropic_messages",
    operation="chat",
    dialect=DIALECT,
    codec=MessagesSurface(),
    paths=("/messages",),
    envelope="anthropic",
)
