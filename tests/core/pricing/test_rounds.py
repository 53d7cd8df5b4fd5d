"""The price of an attempt in which the provider asked other models too."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import ModelUsage, Usage
from tianji_core.pricing.adjustments import Adjustments, Margin
from tianji_core.pricing.cost import cost
from tianji_core.pricing.entry import PriceEntry, price_entry
from tianji_core.pricing.rounds import cost_with_rounds

_OWN = price_entry("small", {"input_cost_per_token": "0.000001", "output_cost_per_token": "0.000002"})
_ADVISOR = price_entry("large", {"input_cost_per_token": "0.00001", "output_cost_per_token": "0.00002"})
_PARTS = ("input_nano", "cache_read_nano", "cache_write_nano", "output_nano", "tools_nano", "guardrails_nano", "other_nano")
_USAGE = Usage(
    input_text=100,
    output_text=10,
    others=(
        ModelUsage(model="large", usage=Usage(input_text=1000, output_text=100)),
        ModelUsage(model="unknown", usage=Usage(input_text=5)),
    ),
)


def _cost(usage: Usage = _USAGE, entry: PriceEntry | None = _OWN, **changes: Any) -> Cost:
    known: dict[str, Any] = {
        "provider": "acme",
        "trusts_cost": False,
        "custom": False,
        "at": datetime(2026, 11, 25, tzinfo=UTC),
        "adjustments": Adjustments(),
        **changes,
    }
    return cost_with_rounds(usage, entry, entry_of={"large": _ADVISOR}.get, **known)


def test_each_model_costs_its_own_price() -> None:
    billed = _cost()
    assert (billed.total_nano, billed.input_nano, billed.output_nano) == (120_000 + 12_000_000, 10_100_000, 2_020_000)
    assert billed.source == "computed"
    assert billed.basis == {
        "entry": "small",
        "rounds": [
            {"entry": "large", "model": "large", "source": "computed", "total_nano": 12_000_000},
            {"model": "unknown", "source": "zero_unpriced", "total_nano": 0},
        ],
    }


def test_parts_add_up_and_a_fixed_margin_is_put_on_once() -> None:
    margin = Margin(fraction=Decimal("0.5"), fixed_usd=Decimal("0.001"))
    billed = _cost(adjustments=Adjustments(discounts={"acme/large": Decimal("0.5")}, margins={"global": margin}))
    assert billed.total_nano == 180_000 + 9_000_000 + 1_000_000
    assert sum(getattr(billed, part) for part in _PARTS) == billed.total_nano == billed.list_nano + billed.adjustment_nano


def test_unpriced_model_does_not_hide_what_its_advisor_costs() -> None:
    billed = _cost(entry=None)
    assert (billed.total_nano, billed.source) == (12_000_000, "computed")


def test_providers_own_figure_covers_everything() -> None:
    usage = Usage(input_text=100, reported_cost_usd=Decimal("0.0002"), others=_USAGE.others)
    billed = _cost(usage, trusts_cost=True)
    assert (billed.total_nano, billed.source) == (200_000, "provider")


@pytest.mark.parametrize("entry", [_OWN, None])
def test_call_without_other_models_costs_what_it_costs(entry: PriceEntry | None) -> None:
    usage = Usage(input_text=7, output_text=3)
    alone = cost(
        usage,
        entry,
        provider="acme",
        trusts_cost=False,
        custom=False,
        at=datetime(2026, 11, 25, tzinfo=UTC),
        adjustments=Adjustments(),
    )
    assert _cost(usage, entry) == alone
