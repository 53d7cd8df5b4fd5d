"""The grammar of the price table's field names, and the numbers in it.

    field  = rate [ "_above_" N "k_tokens" ] [ "_" tier ]

`rate` is one of `units.TOKEN_RATES`, N a number of thousands, `tier` one word (`batches`, `flex`, `priority`, `balanced`, `ultrafast`, or
one that a provider invents tomorrow). A new threshold or tier therefore needs no code.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import msgspec

from tianji_core.errors import ConfigurationError
from tianji_core.pricing.units import LEGACY_SPELLINGS, TOKEN_RATES

_LONGEST_FIRST = tuple(sorted(TOKEN_RATES, key=len, reverse=True))
_STRUCTURED = frozenset(
    ("tiered_pricing", "off_peak_pricing", "search_free_requests", "web_search_billing_unit", "provider_specific_entry")
)


class RateName(msgspec.Struct, frozen=True):
    """A token rate's field name, taken apart. `above_tokens` 0 and `tier` "" are the ordinary rate."""

    rate: str
    above_tokens: int = 0
    tier: str = ""


def parse_rate_name(field: str) -> RateName | None:
    """Take a field name apart; None where it is not the rate of a token."""
    legacy = LEGACY_SPELLINGS.get(field)
    if legacy is not None:
        return RateName(legacy)
    for rate in _LONGEST_FIRST:
        if field == rate:
            return RateName(rate)
        if field.startswith(rate + "_"):
            return _with_suffixes(rate, field[len(rate) :])
    return None


def is_price_field(field: str) -> bool:
    """Whether a field says what something costs, or modifies it: what makes a deployment's pricing custom."""
    return (
        field in _STRUCTURED
        or field.startswith("cost_per_")
        or "_cost_" in field
        or field.endswith("_cost")
        or "_uplift_multiplier" in field
    )


def price_fields(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the pricing fields among others; one set to null is not set."""
    return {name: value for name, value in fields.items() if value is not None and is_price_field(name)}


def amount(field: str, value: object) -> Decimal:
    """Read a price exactly.

    Args:
        value: An integer, a `Decimal`, or text such as `"3e-7"`.

    Raises:
        ConfigurationError: it is something else (a binary float has already lost digits), negative or not finite.
    """
    number = _number(value)
    if number is None or not number.is_finite() or number < 0:
        raise ConfigurationError(
            f"{field}: {value!r} is not a price", hint='write a number of USD that is at least 0, such as 0.000003 or "3e-6"'
        )
    return number


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def _with_suffixes(rate: str, suffixes: str) -> RateName | None:
    above = 0
    if suffixes.startswith("_above_"):
        thousands, found, suffixes = suffixes.removeprefix("_above_").partition("k_tokens")
        if not found or not thousands.isdecimal():
            return None
        above = int(thousands) * 1000
    tier = suffixes.removeprefix("_")
    if suffixes and not (suffixes.startswith("_") and tier.isalnum()):
        return None
    return RateName(rate, above, tier)
