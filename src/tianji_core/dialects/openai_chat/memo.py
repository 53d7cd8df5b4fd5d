"""What decoding an answer needs to know about its request."""

from collections.abc import Mapping

import msgspec

from tianji_core.calls.facts import CallFacts
from tianji_core.dialects.openai_chat.quirks import Quirks


class ProviderMemo(msgspec.Struct, frozen=True, kw_only=True):
    """For the provider side.

    Attributes:
        names: Tool names as sent → as the caller wrote them, where they differ.
    """

    facts: CallFacts
    provider: str
    model: str
    quirks: Quirks
    names: Mapping[str, str] = {}


class SurfaceMemo(msgspec.Struct, frozen=True, kw_only=True):
    """For the surface side.

    Attributes:
        model: The name that the caller used.
        legacy_functions: The caller sent `functions`, so a call goes back as `function_call`.
    """

    model: str
    include_usage: bool = False
    legacy_functions: bool = False
