"""The tool that makes the packaged table."""

import importlib.util
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = Path(__file__).parents[3] / "tools" / "update_prices.py"
    spec = importlib.util.spec_from_file_location("update_prices", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["update_prices"] = module
    spec.loader.exec_module(module)
    return module


def test_prices_limits_and_capabilities_are_kept_and_the_rest_is_not(tool: ModuleType) -> None:
    entry = {"litellm_provider": "a", "output_cost_per_token": 1, "supports_vision": True, "max_tokens": 5, "comment": "x", "metadata": {}}
    entries, changes = tool.convert({"m": entry})
    assert list(entries["m"].items()) == [
        ("litellm_provider", "a"),
        ("max_tokens", 5),
        ("output_cost_per_token", 1),
        ("supports_vision", True),
    ]
    assert changes == []


def test_documentation_and_rules_are_left_out(tool: ModuleType) -> None:
    entries, _ = tool.convert(
        {"sample_spec": {"litellm_provider": "one of"}, "fallback_generalizations": {"rules": []}, "m": {"litellm_provider": "a"}}
    )
    assert list(entries) == ["m"]


def test_numbers_with_noise_are_cut_to_ten_digits_and_reported(tool: ModuleType) -> None:
    tiers = [{"range": [0, Decimal("256000.0")], "input_cost_per_token": Decimal("4.0000000000000003E-7")}]
    entries, changes = tool.convert(
        {"m": {"litellm_provider": "a", "input_cost_per_token": Decimal("0.0000029999900000000002"), "tiered_pricing": tiers}}
    )
    assert entries["m"]["input_cost_per_token"] == Decimal("0.00000299999")
    assert entries["m"]["tiered_pricing"] == [{"input_cost_per_token": Decimal("4E-7"), "range": [0, 256000]}]
    assert [(change.field, change.after) for change in changes] == [
        ("input_cost_per_token", "0.000002999990000"),
        ("tiered_pricing[0].input_cost_per_token", "4.000000000E-7"),
    ]


def test_the_table_is_written_one_entry_a_line_with_plain_numbers(tool: ModuleType) -> None:
    text = tool.render({"a": {"input_cost_per_token": Decimal("3E-7")}, "b": {"max_tokens": 5}})
    assert text == '{\n"a":{"input_cost_per_token":3E-7},\n"b":{"max_tokens":5}\n}\n'


def test_another_archive_than_the_pinned_one_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    archive = tmp_path / "other.whl"
    archive.write_bytes(b"other")
    with pytest.raises(SystemExit, match=r"other\.whl has SHA-256"):
        tool.update(archive, None)
