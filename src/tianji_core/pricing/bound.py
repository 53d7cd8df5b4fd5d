"""The most that one billed attempt can cost: what a budget holds before the call goes up.

bound = input tokens × dearest input rate + output tokens × dearest output rate + tool fees,
        × regional factors × (1 − discount), then the margin, rounded up to whole nano-USD
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Context, Decimal, localcontext

from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.decompose import service_tier
from tianji_core.pricing.entry import PriceEntry, RateCard
from tianji_core.pricing.request_size import RequestSize
from tianji_core.pricing.units import CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H, INPUT, OUTPUT, PIECE_LINES, REASONING, REQUEST

_EXACT = Context(prec=100)
_NANO = 1_000_000_000
_ZERO = Decimal(0)
_FAST = "fast"
_INPUT_RATES = (INPUT, CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H)
_OUTPUT_RATES = (OUTPUT, REASONING)
_AUDIO, _IMAGE = "input_cost_per_audio_token", "input_cost_per_image_token"
_MADE = ("output_cost_per_audio_token", "output_cost_per_image_token", "output_cost_per_video_token")


def bound_nano(
    size: RequestSize,
    entry: PriceEntry,
    *,
    given: int,
    answered: int,
    provider: str,
    model: str,
    adjustments: Adjustments,
    tier: str | None = None,
    makes_media: bool = False,
) -> int:
    """Return the bound in nano-USD.

    Args:
        given, answered: Input tokens and output tokens, at most.
        tier: The service tier that the caller asks for, in the provider's word; `auto` and None are the ordinary one.
        makes_media: Whether the caller asks for sound or pictures as the answer.
    """
    word = service_tier(tier)
    with localcontext(_EXACT):
        inputs = (*_INPUT_RATES, *((_AUDIO,) if size.audio_bytes else ()), *((_IMAGE,) if size.images else ()))
        outputs = (*_OUTPUT_RATES, *(_MADE if makes_media else ()))
        tokens = given * _dearest(entry, inputs, given, word) + answered * _dearest(entry, outputs, given, word)
        listed = tokens * _factor(entry, size) + _fees(size, entry)
        margin = adjustments.margin(provider, model)
        total = listed * (1 - adjustments.discount(provider, model)) * (1 + margin.fraction) + margin.fixed_usd
        return int((total * _NANO).to_integral_value(ROUND_CEILING))


def _dearest(entry: PriceEntry, names: tuple[str, ...], given: int, tier: str) -> Decimal:
    rates = [rate for card in _cards(entry, given) for rate in _reachable(card, names, given, tier)]
    return max(rates, default=_ZERO)


def _reachable(card: RateCard, names: tuple[str, ...], given: int, tier: str) -> Iterator[Decimal]:
    for (name, above, of_tier), rate in card.rates.items():
        if name in names and above <= given and of_tier in ("", tier):
            yield rate


def _cards(entry: PriceEntry, given: int) -> Iterator[RateCard]:
    """Yield the rate cards that a prompt of at most `given` tokens can meet."""
    yield entry.card
    for row in entry.rows:
        if row.low <= given:
            yield row.card
    if entry.off_peak is not None:
        yield entry.off_peak.card


def _factor(entry: PriceEntry, size: RequestSize) -> Decimal:
    """Return the largest factor that the call can meet: where it is served is known only afterwards, how fast is asked for."""
    words = {word: factor for word, factor in entry.factors.items() if word != _FAST or size.is_fast}
    region = entry.region_factor if entry.region_factor is not None else Decimal(1)
    fast = words.pop(_FAST, Decimal(1))
    return max(Decimal(1), region, *words.values()) * max(Decimal(1), fast)


def _fees(size: RequestSize, entry: PriceEntry) -> Decimal:
    fees: Mapping[str, Decimal] = {line.rate: entry.pieces[line.rate] / line.per for line in PIECE_LINES if line.rate in entry.pieces}
    per_call = max(fees.values(), default=_ZERO)
    return entry.pieces.get(REQUEST, _ZERO) + size.hosted_calls * per_call
