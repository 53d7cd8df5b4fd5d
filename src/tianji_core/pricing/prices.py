"""The price table: which entry prices a call.

Layers, the first wins: the operator's overrides (field by field), the operator's own file (whole entries), verified corrections (field by
field), the packaged table. Entries are taken apart when they are first used.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import msgspec

from tianji_core.calls.deployment import Deployment
from tianji_core.errors import ConfigurationError
from tianji_core.pricing.entry import PriceEntry, price_entry, with_custom_prices
from tianji_core.pricing.grammar import is_price_field
from tianji_core.pricing.names import belongs_to, own_names, relatives

Fields = Mapping[str, object]
Entries = Mapping[str, Fields | msgspec.Raw]

_VERSION_DIGITS = 12
# Model names come from outside too; so many look-ups are remembered.
_MOST_FOUND = 4096
_ENTRY = msgspec.json.Decoder(dict[str, object], float_hook=Decimal)
_NOT_FACTS = frozenset({"source", "date", "litellm_provider"})


class PricesFile(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's own table. `replace` hides the packaged one, `extend` stands before it."""

    entries: Entries
    mode: Literal["extend", "replace"] = "extend"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """All prices of one snapshot. Make it with `price_table`.

    Attributes:
        version: The first digits of the SHA-256 of everything in it.
        date: The day on which the packaged table was made, as text.
    """

    version: str
    date: str
    overrides: Mapping[str, Fields]
    file: Entries
    corrections: Mapping[str, Fields]
    package: Entries
    _entries: dict[str, PriceEntry] = field(default_factory=dict, repr=False, compare=False)
    _customs: dict[tuple[str, str], tuple[Fields, PriceEntry]] = field(default_factory=dict, repr=False, compare=False)
    _found: dict[tuple[object, ...], str | None] = field(default_factory=dict, repr=False, compare=False)

    def __contains__(self, key: str) -> bool:
        return key in self.package or key in self.file or key in self.overrides or key in self.corrections

    def resolve(self, deployment: Deployment, response_model: str | None) -> PriceEntry | None:
        """Return what prices a call that this deployment served; None where nobody knows a price.

        With prices of its own (an explicit 0 is one) the deployment is custom; what they leave open comes from the public entry of its
        `base_model`, else of its model. Otherwise the first public entry decides: of `base_model`, of the model that answered, of the
        model that was asked; at the same provider first, then by the bare name, then by a related name. An entry without a price
        says that the price is unknown: no other model's price stands in for it.
        """
        base_model = _text(deployment.model_info.get("base_model"))
        if deployment.prices:
            return self._custom(deployment, base_model)
        key = self._find(deployment.provider, (response_model, deployment.model), base_model)
        entry = None if key is None else self.entry(key)
        return entry if entry is not None and entry.has_prices else None

    def known(self, provider: str, model: str, base_model: str | None = None) -> Mapping[str, object]:
        """Return the limits, the mode and the `supports_*` of a model, for `Deployment.known`; nothing where it is not in the table."""
        key = self._find(provider, (model,), base_model)
        if key is None:
            return {}
        return {name: value for name, value in self.entry(key).fields.items() if name not in _NOT_FACTS and not is_price_field(name)}

    def entry(self, key: str) -> PriceEntry:
        """Return the entry of a key that is in the table.

        Raises:
            KeyError: it is not.
            ConfigurationError: one of its prices is not a price.
        """
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = price_entry(key, self._merged(key))
        return found

    def _custom(self, deployment: Deployment, base_model: str | None) -> PriceEntry:
        key = self._find(deployment.provider, (deployment.model,), base_model)
        place = (deployment.id, key or "")
        kept = self._customs.get(place)
        if kept is not None and kept[0] is deployment.prices:
            return kept[1]
        public = {} if key is None else self.entry(key).fields
        entry = price_entry(key or deployment.id, with_custom_prices(public, deployment.prices), custom=True)
        self._customs[place] = (deployment.prices, entry)
        return entry

    def _find(self, provider: str, models: tuple[str | None, ...], base_model: str | None) -> str | None:
        asked = (provider, models, base_model)
        if asked in self._found:
            return self._found[asked]
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        found = self._found[asked] = self._search(provider, models, base_model)
        return found

    def _search(self, provider: str, models: tuple[str | None, ...], base_model: str | None) -> str | None:
        if base_model:
            found = self._at_provider(provider, base_model) or (base_model if base_model in self else None)
            if found is not None:
                return found
        names = [name for name in models if name]
        for name in names:
            if (key := self._at_provider(provider, name)) is not None:
                return key
        for name in names:
            if name in self:
                return name
        for relative in (relative for name in names for relative in relatives(provider, name)):
            if (key := self._at_provider(provider, relative) or (relative if relative in self else None)) is not None:
                return key
        return None

    def _at_provider(self, provider: str, model: str) -> str | None:
        for key in own_names(provider, model):
            if key in self:
                return key
        if model in self and belongs_to(self.entry(model).fields.get("litellm_provider"), provider):
            return model
        return None

    def _merged(self, key: str) -> Fields:
        if key not in self:
            raise KeyError(key)
        layers = [self.file[key]] if key in self.file else [self.package.get(key, {}), self.corrections.get(key, {})]
        return {name: value for layer in (*layers, self.overrides.get(key, {})) for name, value in _fields(layer).items()}


def price_table(
    *,
    package: Entries,
    date: str,
    corrections: Mapping[str, Fields] | None = None,
    file: PricesFile | None = None,
    overrides: Mapping[str, Fields] | None = None,
) -> PriceTable:
    """Put a table together.

    Args:
        package: The packaged table; entries may be undecoded JSON.
        date: The day on which it was made.
        corrections: Verified fixes of the packaged table, each with `source` and `date`.
        overrides: `model_prices_overrides`.

    Raises:
        ConfigurationError: the file or the overrides hold something that is not a price.
    """
    if file is not None and file.mode == "replace":
        package, corrections = {}, {}
    own: Entries = file.entries if file is not None else {}
    corrections, overrides = corrections or {}, overrides or {}
    version = _version(overrides, own, corrections, package)
    table = PriceTable(version=version, date=date, overrides=overrides, file=own, corrections=corrections, package=package)
    for key in (*overrides, *own):
        _check(table, key)
    return table


def _check(table: PriceTable, key: str) -> None:
    try:
        table.entry(key)
    except ConfigurationError as error:
        raise ConfigurationError(f"price of {key!r}: {error.message}", hint=error.hint) from None


def _version(*parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:_VERSION_DIGITS]


def _fields(entry: Fields | msgspec.Raw) -> Fields:
    return _ENTRY.decode(entry) if isinstance(entry, msgspec.Raw) else entry


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
