import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tianji_adapters.system.packaged_data import packaged_json, packaged_prices
from tianji_core.errors import ConfigurationError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "package_with_data"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "data" / "good.json").write_text('{"price": 3e-06, "limit": 5}')
    (folder / "data" / "damaged.json").write_text('{"price": ')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "package_with_data", raising=False)
    return "package_with_data"


def test_numbers_are_read_without_a_float_between(package: str) -> None:
    assert packaged_json(package, "data/good.json", dict[str, object]) == {"price": Decimal("0.000003"), "limit": 5}


@pytest.mark.parametrize("path", ["data/absent.json", "data/damaged.json", "absent/good.json"])
def test_a_missing_or_damaged_file_is_told_by_its_name(package: str, path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"package_with_data/{path}: the packaged file cannot be read"):
        packaged_json(package, path, dict[str, object])


def test_a_file_of_another_shape_is_refused(package: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        packaged_json(package, "data/good.json", dict[str, str])


def test_an_unknown_package_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        packaged_json("no_such_package", "x.json", dict[str, object])


def test_the_price_files_are_packaged() -> None:
    prices = packaged_prices()
    assert "gpt-5" in prices.entries
    assert len(prices.date) == len("2026-01-31")
