"""Published prices, the sums worked out by hand, against the packaged table."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.usage import Usage
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.cost import cost
from tianji_core.pricing.prices import PriceTable

_FILE = Path(__file__).parents[2] / "golden" / "pricing" / "figures.json"
_PARTS = ("input_nano", "cache_read_nano", "cache_write_nano", "output_nano", "reasoning_nano", "tools_nano", "other_nano", "total_nano")


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    case: str
    provider: str
    model: str
    usage: Usage
    cost: dict[str, int]
    response_model: str | None = None
    at: datetime = datetime(2026, 11, 25, 8, tzinfo=UTC)


_FIGURES = msgspec.json.decode(_FILE.read_bytes(), type=list[Figure])


@pytest.mark.parametrize("figure", _FIGURES, ids=[figure.case for figure in _FIGURES])
def test_published_figures_are_billed_to_the_nano(figure: Figure, packaged_table: PriceTable) -> None:
    deployment = Deployment(id=DeploymentId("d"), group="g", provider=figure.provider, model=figure.model)
    entry = packaged_table.resolve(deployment, figure.response_model)
    assert entry is not None

    billed = cost(figure.usage, entry, provider=figure.provider, trusts_cost=False, custom=False, at=figure.at, adjustments=Adjustments())

    assert {part: getattr(billed, part) for part in _PARTS} == {part: figure.cost.get(part, 0) for part in _PARTS}
    assert billed.source == "computed"
    assert billed.list_nano == billed.total_nano
    assert "unpriced" not in billed.basis
