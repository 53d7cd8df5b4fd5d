"""What decoding an answer needs to know about its request."""

from collections.abc import Mapping

import msgspec

from tianji_core.calls.facts import CallFacts


class ProviderMemo(msgspec.Struct, frozen=True, kw_only=True):
    """For the provider side.

    Attributes:
        names: Tool names as sent → as the caller wrote them, where they differ.
        json_tool: The answer comes as the call of a tool that we added, and is text to the caller.
    """

    facts: CallFacts
    provider: str
    model: str
    names: Mapping[str, str] = {}
    json_tool: bool = False


class SurfaceMemo(msgspec.Struct, frozen=True, kw_only=True):
    """For the surface side: the name of the model that the caller used."""

    model: str
