"""What must hold for the packaged table, whichever release it was made from."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from tianji_adapters.system.packaged_data import PackagedPrices
from tianji_core.pricing.prices import PriceTable

_LINES = resources.files("tianji_core.pricing").joinpath("data", "prices.json").read_text(encoding="utf-8").splitlines()
_SOURCE = msgspec.json.decode(
    resources.files("tianji_core.pricing").joinpath("data", "prices_source.json").read_bytes(), type=dict[str, str]
)


def _numbers(value: object) -> Iterator[Decimal]:
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)


def test_the_table_is_sorted_one_entry_a_line(packaged: PackagedPrices) -> None:
    keys = list(packaged.entries)
    assert keys == sorted(keys)
    assert len(_LINES) == len(keys) + 2
    assert all(f'"{key}":{{' in line for key, line in zip(keys, _LINES[1:-1], strict=True))


def test_the_fields_of_an_entry_are_sorted(packaged_table: PriceTable, packaged: PackagedPrices) -> None:
    assert all(list(fields) == sorted(fields) for fields in (packaged_table.entry(key).fields for key in packaged.entries))


def test_every_entry_can_be_computed_with_and_none_is_documentation(packaged_table: PriceTable, packaged: PackagedPrices) -> None:
    assert len(packaged.entries) > 4000
    assert all(packaged_table.entry(key).fields["litellm_provider"] for key in packaged.entries)
    assert "sample_spec" not in packaged_table


def test_no_number_has_more_than_ten_digits_and_none_is_a_float(packaged_table: PriceTable, packaged: PackagedPrices) -> None:
    decoded = [packaged_table.entry(key).fields for key in packaged.entries]
    assert max(len(number.as_tuple().digits) for fields in decoded for number in _numbers(fields)) <= 10
    assert not any(isinstance(value, float) for fields in decoded for value in fields.values())


def test_every_rate_is_exact_in_text(packaged_table: PriceTable) -> None:
    assert packaged_table.entry("claude-sonnet-4-5").fields["input_cost_per_token"] == Decimal("0.000003")
    assert packaged_table.entry("gpt-5").fields["cache_read_input_token_cost"] == Decimal("0.000000125")


@pytest.mark.parametrize(
    ("provider", "model", "limit"),
    [("anthropic", "claude-sonnet-4-5", 64000), ("openai", "gpt-5", 128000), ("gemini", "gemini-2.5-pro", 65536)],
)
def test_limits_of_known_models_are_there(packaged_table: PriceTable, provider: str, model: str, limit: int) -> None:
    known = packaged_table.known(provider, model)
    assert known["max_output_tokens"] == limit
    assert known["supports_function_calling"] is True
    assert known["mode"] == "chat"


def test_every_correction_says_where_it_comes_from_and_when(packaged: PackagedPrices) -> None:
    assert all({"source", "date"} <= set(correction) for correction in packaged.corrections.values())


def test_the_notice_names_the_release_and_holds_its_licence() -> None:
    notice = (Path(__file__).parents[3] / "NOTICE-prices").read_text(encoding="utf-8")
    assert all(_SOURCE[name] in notice for name in ("package", "version", "date", "archive", "sha256"))
    assert "Permission is hereby granted, free of charge" in notice
