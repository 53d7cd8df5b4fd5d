"""Reads the JSON files that the packages carry, also from inside an archive."""

from decimal import Decimal
from importlib import resources
from typing import TypeVar

import msgspec

from tianji_core.errors import ConfigurationError

T = TypeVar("T")

_PRICES = ("tianji_core.pricing", "data")


class PackagedPrices(msgspec.Struct, frozen=True, kw_only=True):
    """The packaged price table: entries as undecoded JSON, verified corrections, and the day on which the table was made."""

    entries: dict[str, msgspec.Raw]
    corrections: dict[str, dict[str, object]]
    date: str


def packaged_prices() -> PackagedPrices:
    """Read the three files of the price table.

    Raises:
        ConfigurationError: one is missing or damaged.
    """
    package, folder = _PRICES
    source = packaged_json(package, f"{folder}/prices_source.json", dict[str, str])
    return PackagedPrices(
        entries=packaged_json(package, f"{folder}/prices.json", dict[str, msgspec.Raw]),
        corrections=packaged_json(package, f"{folder}/prices_corrections.json", dict[str, dict[str, object]]),
        date=source["date"],
    )


def packaged_json(package: str, path: str, kind: type[T]) -> T:
    """Read a JSON file that lies in a package, as a value of `kind`; numbers with a fraction become `Decimal`.

    Args:
        path: Below the package, with `/` between its parts.

    Raises:
        ConfigurationError: it is missing, is not JSON, or has another shape.
    """
    name = f"{package.replace('.', '/')}/{path}"
    try:
        data = resources.files(package).joinpath(*path.split("/")).read_bytes()
        return msgspec.json.Decoder(kind, float_hook=Decimal).decode(data)
    except (OSError, ModuleNotFoundError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"the packaged file cannot be read: {error}", file=name, hint="install TianJi again") from error
