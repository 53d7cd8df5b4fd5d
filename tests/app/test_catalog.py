"""What is installed is found by scanning, and what is not as it must be is named."""

import importlib
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

import tianji_app.catalog as catalog_module
from tianji_app.catalog import all_providers, all_strategies, all_surfaces, scan
from tianji_core.access.roles import TABLE
from tianji_core.errors import ConfigurationError


class Tool(msgspec.Struct, frozen=True):
    """What the packages of these tests offer."""

    name: str


HEAD = "from catalog_of_tests import Tool\n"


Make = Callable[[Mapping[str, str]], ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a package of modules, given by name and source."""
    shared = ModuleType("catalog_of_tests")
    shared.Tool = Tool  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "catalog_of_tests", shared)
    monkeypatch.setattr(catalog_module, "entry_points", lambda group: ())

    def make(modules: Mapping[str, str]) -> ModuleType:
        name = f"tools_{tmp_path.name.replace('-', '_')}"
        folder = tmp_path / name
        folder.mkdir()
        for module, source in {"__init__": "", **modules}.items():
            (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        return importlib.import_module(name)

    return make


def test_every_public_module_is_found_by_the_name_of_its_constant(package: Make) -> None:
    tools = package({"hammer": HEAD + "TOOL = Tool('hammer')", "axe": HEAD + "TOOL = Tool('axe')", "_shared": "x = 1"})
    assert scan(tools, "TOOL", Tool, "g") == {"axe": Tool("axe"), "hammer": Tool("hammer")}


def test_module_without_its_constant_is_named(package: Make) -> None:
    with pytest.raises(ConfigurationError, match=r"\.hammer must define TOOL: Tool"):
        scan(package({"hammer": "x = 1"}), "TOOL", Tool, "g")


def test_two_of_one_name_are_both_named(package: Make) -> None:
    tools = package({"hammer": HEAD + "TOOL = Tool('x')", "axe": HEAD + "TOOL = Tool('x')"})
    with pytest.raises(ConfigurationError, match=r"'x' is defined by both .*\.axe and .*\.hammer"):
        scan(tools, "TOOL", Tool, "g")


def _plugins(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(catalog_module, "entry_points", lambda group: (EntryPoint("more", value, group),))


def test_packages_from_elsewhere_add_theirs(package: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = package({"_elsewhere": HEAD + "TOOL = Tool('saw')", "hammer": HEAD + "TOOL = Tool('hammer')"})
    _plugins(monkeypatch, f"{tools.__name__}._elsewhere:TOOL")
    assert list(scan(tools, "TOOL", Tool, "g")) == ["hammer", "saw"]


def test_package_from_elsewhere_cannot_take_a_name_that_is_taken(package: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = package({"hammer": HEAD + "TOOL = Tool('hammer')"})
    _plugins(monkeypatch, f"{tools.__name__}.hammer:TOOL")
    with pytest.raises(ConfigurationError, match=r"'hammer' is defined by both .*hammer and .*hammer:TOOL \(plugin\)"):
        scan(tools, "TOOL", Tool, "g")


def test_package_from_elsewhere_must_offer_the_right_thing(package: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = package({"hammer": HEAD + "TOOL = Tool('hammer')"})
    _plugins(monkeypatch, f"{tools.__name__}.hammer:Tool")
    with pytest.raises(ConfigurationError, match=r"the entry point .* of g is no Tool"):
        scan(tools, "TOOL", Tool, "g")


def test_providers_are_found_by_name_and_alias_and_a_file_wins_over_its_row() -> None:
    providers = all_providers()
    assert {"openai", "anthropic", "local", "groq", "deepseek"} <= providers.keys()
    assert providers["openai"].embeddings is not None
    for name, provider in providers.items():
        assert name in (provider.name, *provider.aliases)
        assert all(alias in providers for alias in provider.aliases)


def test_every_path_of_every_surface_has_a_row_in_the_table_of_roles() -> None:
    surfaces = all_surfaces()
    assert {surface.operation for surface in surfaces} == {"chat", "text_completion", "embeddings", "count_tokens"}
    for surface in surfaces:
        for path in surface.paths:
            assert ("POST", path) in TABLE


def test_shuffle_is_a_strategy() -> None:
    assert "simple-shuffle" in all_strategies()
