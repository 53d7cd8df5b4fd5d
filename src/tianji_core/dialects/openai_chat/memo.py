"""What decoding an answer needs to know about its request."""

import msgspec

from tianji_core.calls.facts import CallFacts
from tianji_core.dialects.openai_chat.quirks import Quirks


class ProviderMemo(msgspec.Struct, frozen=True, kw_only=True):
    """For the provider side."""

    facts: CallFacts
    provider: str
    model: str
    quirks: Quirks


class SurfaceMemo(msgspec.Struct, frozen=True, kw_only=True):
    """For the surface side.

    Attributes:
        model: The name that the caller used.
        legacy_functions: The caller sent `functions`, so a call goes back as `function_call`.
    """

    model: str
    include_usage: bool = False
    legacy_functions: bool = False
