"""What a call costs: integer nano-USD (1e-9 USD), rounded once."""

from collections.abc import Mapping
from typing import Literal

import msgspec

CostSource = Literal["computed", "custom", "provider", "cache_hit", "zero_unpriced"]


class Cost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cost of one billed attempt.

    `total_nano` = input + cache_read + cache_write + output + tools + guardrails + other. `reasoning_nano` is a part of `output_nano`.
    `adjustment_nano` (signed: discount and margin) is a part of `other_nano`.

    Attributes:
        list_nano: The total at list price, before discount and margin.
        basis: Which entry, tier and multipliers were used; for the reader of a row, never for computing.
    """

    total_nano: int = 0
    list_nano: int = 0
    input_nano: int = 0
    cache_read_nano: int = 0
    cache_write_nano: int = 0
    output_nano: int = 0
    reasoning_nano: int = 0
    tools_nano: int = 0
    guardrails_nano: int = 0
    other_nano: int = 0
    adjustment_nano: int = 0
    source: CostSource = "zero_unpriced"
    basis: Mapping[str, object] = {}
