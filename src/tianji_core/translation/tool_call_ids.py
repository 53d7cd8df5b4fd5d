"""Tool call ids that the next provider accepts. Pure in the id, so that a call and its result meet again without a table.

Sources: Anthropic's id pattern `^[a-zA-Z0-9_-]+$`; Mistral's nine letters and digits; OpenAI's 40 characters.
"""

import hashlib
import string

import msgspec

from tianji_core.translation.derived_ids import derived_id

_WORD = frozenset(string.ascii_letters + string.digits + "_-")
_BASE62 = string.digits + string.ascii_letters
_SIGNATURE_MARK = "__thought__"


class ToolCallIdRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider takes as an id.

    Attributes:
        letters: The characters that it allows.
        most: The longest id that it allows.
        exact: Where it wants one length only, that length; then a hash replaces what does not fit.
    """

    letters: frozenset[str] = _WORD
    most: int = 256
    exact: int | None = None


ANTHROPIC = ToolCallIdRule()
OPENAI = ToolCallIdRule(letters=frozenset(string.printable) - frozenset(string.whitespace), most=40)
MISTRAL = ToolCallIdRule(letters=frozenset(_BASE62), exact=9)


def fit_tool_call_id(call_id: str, rule: ToolCallIdRule) -> str:
    """Return the id itself where it is legal, else its legal beginning and a hash of the whole.

    A thought signature that some vendor's client carries behind `__thought__` is no part of the id.
    """
    bare = call_id.partition(_SIGNATURE_MARK)[0]
    legal = len(_legal_start(bare, rule))
    if rule.exact is not None:
        return bare if legal == len(bare) == rule.exact else _base62(bare, rule.exact)
    if bare and legal == len(bare) <= rule.most:
        return bare
    start = _legal_start(bare, rule)[: rule.most - 9] or "call"
    return f"{start}_{hashlib.sha256(bare.encode()).hexdigest()[:8]}"


def missing_tool_call_id(call_id: str, choice: int, position: int) -> str:
    """Return the id of a tool call that came without one. `call_id` is the gateway's id of the whole call."""
    return derived_id("call_", call_id, choice, position)


def _legal_start(text: str, rule: ToolCallIdRule) -> str:
    for position, letter in enumerate(text):
        if letter not in rule.letters:
            return text[:position]
    return text


def _base62(text: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(digits)
