"""What `tianji_settings` says about prices, and the pricing fields of a deployment."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from tianji_core.config.compatibility import Block, BlockReader
from tianji_core.config.gateway_config import PriceFile, PriceSettings
from tianji_core.config.merge import beside
from tianji_core.config.nodes import Entry, MapNode, Node, Scalar, is_empty, plain
from tianji_core.config.problems import Problems
from tianji_core.config.schema.keys import Key, table
from tianji_core.config.typed import WrongValueError, typed
from tianji_core.pricing.adjustments import Margin
from tianji_core.pricing.grammar import is_price_field
from tianji_core.pricing.unknown import UnknownPrice

_AMOUNT = Key(name="amount", kind="price", at_least=0)
_FRACTION = Key(name="fraction", kind="price", at_least=0, at_most=1)
_MARGIN = table(
    "cost_margin_config",
    "",
    [Key(name="percentage", kind="price", at_least=0), Key(name="fixed_amount", kind="price", at_least=0)],
)
_FILE = table("model_prices_file", "", [Key(name="path", kind="text"), Key(name="mode", kind="text", choices=("extend", "replace"))])


def read_prices(settings: Block, reader: BlockReader) -> PriceSettings:
    """Return what the settings say about prices; everything wrong is collected."""
    problems = reader.problems
    discounts = {
        name: value
        for name, entry in _entries(settings, "cost_discount_config")
        if (value := _number(entry, _FRACTION, "cost_discount_config", problems)) is not None
    }
    margins = {name: margin for name, entry in _entries(settings, "cost_margin_config") if (margin := _margin(entry, reader))}
    overrides = {
        name: read_price_fields(entry.node.entries, problems)
        for name, entry in _entries(settings, "model_prices_overrides")
        if isinstance(entry.node, MapNode)
    }
    for name, entry in _entries(settings, "model_prices_overrides"):
        if not isinstance(entry.node, MapNode):
            problems.error(entry.place, f"`model_prices_overrides` of `{name}` must be a map of pricing fields")
    return PriceSettings(
        discounts=discounts, margins=margins, overrides=overrides, file=_file(settings, reader), unknown_price=_unknown(settings)
    )


def read_price_fields(entries: Mapping[str, Entry], problems: Problems) -> Mapping[str, object]:
    """Return fields of the price table's grammar. Prices are `Decimal` and not negative; what is no price is kept as it is."""
    result: dict[str, object] = {}
    for name, entry in entries.items():
        if is_empty(entry.node):
            continue
        if isinstance(entry.node, Scalar) and is_price_field(name) and name != "web_search_billing_unit":
            value = _number(entry, _AMOUNT, "a price", problems)
            if value is not None:
                result[name] = value
        else:
            result[name] = plain(entry.node)
    return result


def _entries(settings: Block, name: str) -> list[tuple[str, Entry]]:
    node = settings.get(name, MapNode)
    return [(key, entry) for key, entry in node.entries.items() if not is_empty(entry.node)] if node is not None else []


def _number(entry: Entry, key: Key, where: str, problems: Problems) -> Decimal | None:
    try:
        value = typed(entry.node, key)
    except WrongValueError as error:
        problems.error(entry.place, f"`{entry.name}` in {where}: {error}")
        return None
    return value if isinstance(value, Decimal) else None


def _margin(entry: Entry, reader: BlockReader) -> Margin | None:
    if not isinstance(entry.node, MapNode):
        fraction = _number(entry, _AMOUNT, "cost_margin_config", reader.problems)
        return Margin(fraction=fraction) if fraction is not None else None
    block = reader.read(entry.node, _MARGIN)
    zero = Decimal(0)
    return Margin(fraction=block.number("percentage") or zero, fixed_usd=block.number("fixed_amount") or zero)


def _file(settings: Block, reader: BlockReader) -> PriceFile | None:
    node: Node | None = settings.values["model_prices_file"].node if "model_prices_file" in settings.values else None
    if node is None:
        return None
    place = settings.place_of("model_prices_file")
    path: str | None = None
    mode: Literal["extend", "replace"] = "extend"
    if isinstance(node, Scalar) and isinstance(node.value, str):
        path = node.value
    elif isinstance(node, MapNode):
        block = reader.read(node, _FILE)
        path = block.text("path")
        mode = "replace" if block.text("mode") == "replace" else "extend"
    if not path:
        reader.problems.error(place, "`model_prices_file` must be a path, or `{path: …, mode: extend}`")
        return None
    return PriceFile(path=beside(place.file, path), mode=mode)


def _unknown(settings: Block) -> UnknownPrice:
    value = settings.values.get("block_requests_for_models_without_pricing")
    if value is None or not isinstance(value.value, bool):
        return "when_budgeted"
    return "refuse" if value.value else "allow"


__all__ = ["read_price_fields", "read_prices"]
