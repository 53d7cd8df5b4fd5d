"""One entry of the price table, made ready for computing.

An entry arrives as JSON fields and is taken apart once, so that a call costs a few look-ups and no parsing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from tianji_core.errors import ConfigurationError
from tianji_core.pricing.grammar import amount, parse_rate_name
from tianji_core.pricing.off_peak import Window, parse_windows
from tianji_core.pricing.rounding import whole_of
from tianji_core.pricing.units import KINDS, LEGACY_SPELLINGS, PIECE_LINES, REQUEST, SEARCH_SIZES, TOKEN_LINES

_ORDINARY = (0,)
_SEARCH = "search_context_cost_per_query"
_PIECE_RATES = frozenset((REQUEST, *(line.rate for line in PIECE_LINES)))

# In how fine parts of a nano-USD rates are kept as integers: whole nano-USD where that is exact, else atto-USD.
_SCALES = (1, 1_000_000_000)


class Column(msgspec.Struct, frozen=True):
    """The rate of each of `TOKEN_LINES` for one tier and one set of crossed thresholds, as an integer.

    Attributes:
        rates: Parts of a nano-USD a token, `per_nano` of which make one; None where nothing says what it costs.
        above: The threshold that each rate stands under, 0 for an ordinary one.
        is_ordinary: Whether all of these are 0.
    """

    rates: tuple[int | None, ...]
    above: tuple[int, ...]
    per_nano: int
    is_ordinary: bool


class RateCard(msgspec.Struct, frozen=True):
    """Token rates in USD by (rate, above how many tokens, service tier), and the thresholds among them, the highest first.

    Attributes:
        columns: The same in integers, by (the highest threshold crossed or 0, service tier), for the ordinary tier and each that a rate
            names. None where a rate has too many digits; a card that was not read from an entry has no columns.
    """

    rates: Mapping[tuple[str, int, str], Decimal]
    thresholds: tuple[int, ...] = ()
    columns: Mapping[tuple[int, str], Column | None] = {}

    def crossed(self, input_tokens: int, *, at_threshold: bool) -> tuple[int, ...]:
        """Return the thresholds that a prompt of this size crosses, the highest first, and 0 for the ordinary rates.

        Args:
            at_threshold: Whether a prompt of exactly the threshold crosses it.
        """
        if not self.thresholds:
            return _ORDINARY
        return (*(above for above in self.thresholds if input_tokens > above or (at_threshold and input_tokens == above)), 0)

    def find(self, names: Sequence[str], crossed: Sequence[int], tier: str) -> tuple[Decimal, int] | None:
        """Return the first rate that exists and the threshold it stands under; None where nothing says what this costs.

        A name is exhausted before the next: the highest crossed threshold with the tier, then without it, and so on down to the
        ordinary rate.
        """
        for name in names:
            for above in crossed:
                rate = self.rates.get((name, above, tier))
                if rate is None:
                    rate = self.rates.get((name, above, ""))
                if rate is not None:
                    return rate, above
        return None

    def column(self, input_tokens: int, tier: str, *, at_threshold: bool) -> Column | None:
        """Return what `find` finds for a prompt of this size, of all token lines at once; None where integers cannot say it."""
        above = self.crossed(input_tokens, at_threshold=at_threshold)[0] if self.thresholds else 0
        place = (above, tier)
        return self.columns[place] if place in self.columns else self.columns.get((above, ""))


class PriceRow(msgspec.Struct, frozen=True):
    """The rates for prompts of more than `low` and at most `high` tokens; they stand in for all others."""

    low: int
    high: int
    card: RateCard


class OffPeak(msgspec.Struct, frozen=True):
    """The rates that hold inside some hours of the week."""

    windows: tuple[Window, ...]
    card: RateCard


class PriceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs at a provider.

    Attributes:
        key: The name under which it stands in the table; for a deployment unknown to the table, the deployment's id.
        custom: Whether a deployment's own prices are in it.
        fields: As they stand in the table, custom prices merged in.
        pieces: USD for what is billed by piece, by the field's name (`search_context_size_low`, …).
        factors: What multiplies every token rate, by the reported region or speed it holds for; see `cost`.
        region_factor: The same for every region but `global`.
    """

    key: str
    custom: bool = False
    fields: Mapping[str, object] = {}
    card: RateCard = RateCard({})
    rows: tuple[PriceRow, ...] = ()
    off_peak: OffPeak | None = None
    pieces: Mapping[str, Decimal] = {}
    factors: Mapping[str, Decimal] = {}
    region_factor: Decimal | None = None

    @property
    def has_prices(self) -> bool:
        """Whether it says what a token or a request costs. Zero is a price."""
        return bool(self.card.rates or self.rows or REQUEST in self.pieces)

    def row_for(self, input_tokens: int) -> PriceRow | None:
        """Return the row that holds a prompt of this size; above the last row the last one holds."""
        return next((row for row in self.rows if input_tokens <= row.high), self.rows[-1]) if self.rows else None

    def off_peak_card(self, at: datetime) -> RateCard | None:
        """Return the rates of the cheap hours where the instant lies in them."""
        if self.off_peak is None or not any(window.holds(at) for window in self.off_peak.windows):
            return None
        return self.off_peak.card


def price_entry(key: str, fields: Mapping[str, object], *, custom: bool = False) -> PriceEntry:
    """Take an entry's fields apart.

    Raises:
        ConfigurationError: a price is not a number of at least 0, or a structured field has another shape.
    """
    factors, region_factor = _factors(fields)
    return PriceEntry(
        key=key,
        custom=custom,
        fields=fields,
        card=_card(fields),
        rows=_rows(fields.get("tiered_pricing")),
        off_peak=_off_peak(fields),
        pieces=_pieces(fields),
        factors=factors,
        region_factor=region_factor,
    )


def with_custom_prices(public: Mapping[str, object], custom: Mapping[str, object]) -> dict[str, object]:
    """Merge a deployment's own prices into its public entry.

    A stated rate is the price for every prompt size, tier and hour that is not stated with it: the public entry's variants of that
    rate do not apply. Rates that are not stated come from the public entry.
    """
    stated = {name.rate for field in custom if (name := parse_rate_name(field)) is not None}
    hidden = {"tiered_pricing", "off_peak_pricing"} if stated else set()
    kept = {field: value for field, value in public.items() if field not in hidden and not _is_variant_of(field, stated)}
    return {**kept, **custom}


def _is_variant_of(field: str, rates: set[str]) -> bool:
    name = parse_rate_name(field)
    return name is not None and name.rate in rates


def _card(fields: Mapping[str, object]) -> RateCard:
    rates: dict[tuple[str, int, str], Decimal] = {}
    for field in sorted(fields, key=lambda name: name not in LEGACY_SPELLINGS):  # today's spelling overwrites the legacy one
        name = parse_rate_name(field)
        value = fields[field]
        if name is not None and value is not None:
            rates[(name.rate, name.above_tokens, name.tier)] = amount(field, value)
    for kind, text in KINDS:
        if rates.get((kind, 0, "")) == rates.get((text, 0, "")):
            rates.pop((kind, 0, ""), None)  # says nothing of its own, and would hide the text rate of a dearer tier or threshold
    card = RateCard(rates, tuple(sorted({above for _, above, _ in rates if above}, reverse=True)))
    return msgspec.structs.replace(card, columns=_columns(card))


def _columns(card: RateCard) -> dict[tuple[int, str], Column | None]:
    crossings = [(*card.thresholds[start:], 0) for start in range(len(card.thresholds) + 1)]
    tiers = {"", *(tier for _, _, tier in card.rates)}
    return {(crossed[0], tier): _column(card, crossed, tier) for crossed in crossings for tier in tiers}


def _column(card: RateCard, crossed: tuple[int, ...], tier: str) -> Column | None:
    found = [card.find(line.rates, crossed, tier) for line in TOKEN_LINES]
    above = tuple(rate[1] if rate else 0 for rate in found)
    for per_nano in _SCALES:
        rates = tuple(whole_of(rate[0], per_nano) if rate else None for rate in found)
        if all(rate is None or whole is not None for rate, whole in zip(found, rates, strict=True)):
            return Column(rates, above, per_nano, not any(above))
    return None


def _rows(tiers: object) -> tuple[PriceRow, ...]:
    if not isinstance(tiers, Sequence) or isinstance(tiers, str):
        return ()
    rows = [_row(tier) for tier in tiers if isinstance(tier, Mapping) and "range" in tier]
    return tuple(sorted(rows, key=lambda row: row.low))


def _row(tier: Mapping[str, object]) -> PriceRow:
    limits = tier["range"]
    if not isinstance(limits, Sequence) or isinstance(limits, str) or len(limits) != 2:
        raise ConfigurationError(f"tiered_pricing: {limits!r} is not a range", hint="write range: [0, 128000]")
    low, high = (int(amount("tiered_pricing.range", limit)) for limit in limits)
    return PriceRow(low, high, _card(tier))


def _off_peak(fields: Mapping[str, object]) -> OffPeak | None:
    pricing = fields.get("off_peak_pricing")
    if not isinstance(pricing, Mapping):
        return None
    return OffPeak(parse_windows(pricing), _card({**fields, **pricing}))


def _pieces(fields: Mapping[str, object]) -> dict[str, Decimal]:
    pieces = {field: amount(field, value) for field, value in fields.items() if field in _PIECE_RATES and value is not None}
    search = fields.get(_SEARCH)
    if isinstance(search, Mapping):
        sizes = [f"search_context_size_{size}" for size in SEARCH_SIZES]
        pieces.update({size: amount(f"{_SEARCH}.{size}", search[size]) for size in sizes if search.get(size) is not None})
    return pieces


def _factors(fields: Mapping[str, object]) -> tuple[dict[str, Decimal], Decimal | None]:
    factors: dict[str, Decimal] = {}
    entry = fields.get("provider_specific_entry")
    if isinstance(entry, Mapping):
        numbers = {str(word): value for word, value in entry.items() if isinstance(value, int | Decimal) and not isinstance(value, bool)}
        factors.update({word: amount(f"provider_specific_entry.{word}", value) for word, value in numbers.items()})
    prefix = "regional_processing_uplift_multiplier_"
    factors.update({field.removeprefix(prefix): amount(field, value) for field, value in fields.items() if field.startswith(prefix)})
    regional = fields.get("regional_endpoint_uplift_multiplier")
    return factors, None if regional is None else amount("regional_endpoint_uplift_multiplier", regional)
