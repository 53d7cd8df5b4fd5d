"""What a call used, in disjoint buckets.

`None` means "the provider said nothing", 0 means "the provider said zero". Buckets never overlap: the cached tokens are not
inside `input_text`, the reasoning tokens not inside `output_text`. Inclusive totals (what OpenAI calls `prompt_tokens`) are
properties. Surfaces, ledger and events derive their numbers from here.
"""

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter

import msgspec

INPUT_BUCKETS = (
    "input_text",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write",
    "input_audio",
    "input_image",
    "input_video",
)
OUTPUT_BUCKETS = ("output_text", "reasoning", "output_audio", "output_image", "output_video")
_inputs_of, _outputs_of = attrgetter(*INPUT_BUCKETS), attrgetter(*OUTPUT_BUCKETS)


class ModelUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What another model used that the provider itself asked on the way to the answer; it is billed at that model's price."""

    model: str
    usage: "Usage"


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Token counts of one answer, by what they are billed as.

    Attributes:
        cache_write: Tokens written to a cache whose lifetime the provider did not say.
        accepted_prediction, rejected_prediction: Parts of `output_text` (OpenAI's predicted outputs); informational.
        units: Things billed by piece: `web_searches`, `web_fetches`, …
        reported_cost_usd: What the provider itself says that the call cost.
        service_tier: The tier that served, in the provider's word.
        region: Where it was served, in the provider's word, when that changes the price.
        speed: Anthropic's `fast` or `standard`, when reported.
        others: What other models used, one entry a model; not inside the buckets.
        rest: Fields of the provider's usage object that have no bucket, under the dialect's own names.
    """

    input_text: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    cache_write: int | None = None
    input_audio: int | None = None
    input_image: int | None = None
    input_video: int | None = None
    output_text: int | None = None
    reasoning: int | None = None
    output_audio: int | None = None
    output_image: int | None = None
    output_video: int | None = None
    accepted_prediction: int | None = None
    rejected_prediction: int | None = None
    units: Mapping[str, int] = {}
    reported_cost_usd: Decimal | None = None
    service_tier: str | None = None
    region: str | None = None
    speed: str | None = None
    others: tuple[ModelUsage, ...] = ()
    rest: Mapping[str, object] = {}

    @property
    def input_total(self) -> int | None:
        """All input tokens, cached ones included; None when nothing was reported."""
        return _sum(_inputs_of(self))

    @property
    def output_total(self) -> int | None:
        """All output tokens, reasoning included; None when nothing was reported."""
        return _sum(_outputs_of(self))

    @property
    def cache_write_total(self) -> int | None:
        """All tokens written to a cache."""
        return _sum((self.cache_write_5m, self.cache_write_1h, self.cache_write))

    def replaced_by(self, newer: "Usage") -> "Usage":
        """Return the cumulative usage of a stream: per field the last value that was reported, never a sum."""
        changes = {name: value for name in self.__struct_fields__ if (value := getattr(newer, name)) not in (None, {}, ())}
        return msgspec.structs.replace(self, **changes)


def _sum(counts: tuple[int | None, ...]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
