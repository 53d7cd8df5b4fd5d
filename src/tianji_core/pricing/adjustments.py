"""Discounts and margins that the operator puts on list prices: first the discount, then the margin."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

_ZERO = Decimal(0)
_GLOBAL = "global"


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """What is put on top of a cost: a fraction of it, and an amount for each call."""

    fraction: Decimal = _ZERO
    fixed_usd: Decimal = _ZERO


class Adjustments(msgspec.Struct, frozen=True, kw_only=True):
    """Discounts (fractions) and margins by provider or `provider/model`, where `*` stands for any text.

    The longest pattern that matches a model wins, then the provider's own entry, then (for margins only) `global`.
    """

    discounts: Mapping[str, Decimal] = {}
    margins: Mapping[str, Margin] = {}

    def discount(self, provider: str, model: str) -> Decimal:
        """Return the fraction that is taken off."""
        key = _nearest(self.discounts, provider, model)
        return _ZERO if key is None else self.discounts[key]

    def margin(self, provider: str, model: str) -> Margin:
        """Return what is put on top."""
        key = _nearest(self.margins, provider, model)
        return self.margins.get(_GLOBAL, Margin()) if key is None else self.margins[key]


def _nearest(keys: Iterable[str], provider: str, model: str) -> str | None:
    """Return the key that says most about this model; of equally long ones the first by name."""
    if not keys:
        return None
    name = f"{provider}/{model}"
    patterns = [key for key in keys if "/" in key and _matches(key, name)]
    if patterns:
        return min(patterns, key=lambda key: (-len(key), key))
    return provider if provider in keys else None


def _matches(pattern: str, text: str) -> bool:
    first, *middle = pattern.split("*")
    if not middle:
        return pattern == text
    last = middle.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    rest = text[len(first) : len(text) - len(last)]
    for part in middle:
        _, found, rest = rest.partition(part) if part else ("", "*", rest)
        if not found:
            return False
    return True
