"""Calls whose process ended before them are priced as those that ended well."""

from decimal import Decimal

import msgspec
import pytest

from support.gateway_parts import deployment, snapshot_of
from tianji_app.call.interrupted import InterruptedPrices, interrupted_cost
from tianji_core.calls.usage import ModelUsage, Usage
from tianji_core.ports.journal import OpenCall

USAGE = Usage(input_text=1_000, output_text=100)
CALL = OpenCall(
    call_id="0198c0de-0000-7000-8000-000000000001",
    started_at_ns=1_767_225_600_000_000_000,
    key_id=None,
    user_id=None,
    team_id=None,
    end_user_id=None,
    surface="openai.chat",
    model_group="fast",
    provider="openai",
    deployment_id="a",
    model="gpt-5-nano",
    input_estimate=1_000,
    pricing_version="",
)
PUBLIC = {"gpt-5-nano": {"litellm_provider": "openai", "input_cost_per_token": "5e-8", "output_cost_per_token": "4e-7"}}
OWN = {"input_cost_per_token": Decimal("0.000001"), "output_cost_per_token": Decimal("0.00001")}
SNAPSHOT = snapshot_of((deployment("a", prices=OWN), deployment("b", model="*")), prices=PUBLIC)


@pytest.mark.parametrize(
    ("deployment_id", "source", "nano"),
    [("a", "custom", 2_000_000), ("b", "computed", 90_000), ("gone", "computed", 90_000)],
)
def test_call_is_priced_by_its_deployment_else_by_its_model(deployment_id: str, source: str, nano: int) -> None:
    cost = interrupted_cost(SNAPSHOT, msgspec.structs.replace(CALL, deployment_id=deployment_id), USAGE)
    assert (cost.source, cost.total_nano) == (source, nano)


def test_model_that_nobody_prices_costs_nothing_and_says_so() -> None:
    call = msgspec.structs.replace(CALL, deployment_id="gone", provider="nobody", model="nothing")
    assert interrupted_cost(SNAPSHOT, call, USAGE).source == "zero_unpriced"


def test_rounds_of_other_models_are_priced_as_theirs() -> None:
    usage = msgspec.structs.replace(USAGE, others=(ModelUsage(model="gpt-5-nano", usage=USAGE),))
    assert interrupted_cost(SNAPSHOT, CALL, usage).total_nano == 2_000_000 + 90_000


def test_newest_snapshot_prices() -> None:
    prices = InterruptedPrices(snapshot_of((), prices={}))
    assert prices(CALL, USAGE).total_nano == 0
    prices.follow(SNAPSHOT)
    assert prices(CALL, USAGE).total_nano == 2_000_000
