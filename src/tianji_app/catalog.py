"""What is installed: providers, surfaces and strategies, one file each, found by scanning their package for one typed constant.

A package from elsewhere adds its own by an entry point (`tianji.providers`, …) that names the same constant.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

import tianji_core.providers
import tianji_core.routing.strategies
import tianji_core.surfaces
from tianji_adapters.system.packaged_data import packaged_json
from tianji_core.dialects.openai_table import providers_of
from tianji_core.errors import ConfigurationError
from tianji_core.shapes.codecs import Provider, Surface
from tianji_core.shapes.strategies import Strategy

T = TypeVar("T")


def scan(package: ModuleType, constant: str, kind: type[T], group: str) -> Mapping[str, T]:
    """Return the constants of a package's modules (those without an underscore) and of the entry points of a group, by their `name`.

    Raises:
        ConfigurationError: a module lacks its constant, or two of them have one name.
    """
    found: dict[str, tuple[str, T]] = {}
    for origin, value in (*_of_modules(package, constant, kind), *_of_entry_points(group, kind)):
        name = str(getattr(value, "name", ""))
        if name in found:
            raise ConfigurationError(f"{name!r} is defined by both {found[name][0]} and {origin}")
        found[name] = (origin, value)
    return {name: value for name, (_, value) in sorted(found.items())}


def _of_modules(package: ModuleType, constant: str, kind: type[T]) -> Iterable[tuple[str, T]]:
    for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if info.name.rpartition(".")[2].startswith("_"):
            continue
        value = getattr(importlib.import_module(info.name), constant, None)
        if not isinstance(value, kind):
            raise ConfigurationError(f"{info.name} must define {constant}: {kind.__name__}")
        yield info.name, value


def _of_entry_points(group: str, kind: type[T]) -> Iterable[tuple[str, T]]:
    for point in entry_points(group=group):
        value = point.load()
        if not isinstance(value, kind):
            raise ConfigurationError(f"the entry point {point.value} of {group} is no {kind.__name__}")
        yield f"{point.value} (plugin)", value


def all_providers() -> Mapping[str, Provider]:
    """Return every provider by its name and by each of its aliases; one with a file of its own wins over its row in the table."""
    own = scan(tianji_core.providers, "PROVIDER", Provider, "tianji.providers")
    rows = packaged_json("tianji_core.dialects.openai_chat", "data/openai_compatible.json", dict[str, object])
    table = rows.get("providers", rows)
    named = {**providers_of(table if isinstance(table, dict) else {}), **own}
    aliases = {alias: provider for provider in named.values() for alias in provider.aliases if alias not in named}
    return {**named, **aliases}


def all_surfaces() -> tuple[Surface, ...]:
    """Return every inbound wire format."""
    return tuple(scan(tianji_core.surfaces, "SURFACE", Surface, "tianji.surfaces").values())


def all_strategies() -> Mapping[str, Strategy]:
    """Return every routing strategy, by the word of `routing_strategy`."""
    return scan(tianji_core.routing.strategies, "STRATEGY", Strategy, "tianji.strategies")
