"""Calls that could reach a model whose price nobody knows."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.errors import PermissionDeniedError
from tianji_core.pricing.prices import price_table
from tianji_core.pricing.unknown import UnknownPrice, check_prices

_TABLE = price_table(package={"listed": {"input_cost_per_token": Decimal("1e-6")}, "facts-only": {"max_tokens": 5}}, date="2026-01-01")


def _deployment(model: str, prices: Mapping[str, object] | None = None) -> Deployment:
    return Deployment(id=DeploymentId(model), group="fast", provider="openai", model=model, prices=prices or {})


KNOWN = (_deployment("listed"), _deployment("own", {"input_cost_per_token": Decimal(1)}), _deployment("free", {"input_cost_per_token": 0}))
UNKNOWN = (_deployment("new"), _deployment("facts-only"), _deployment("a-word-only", {"web_search_billing_unit": "query"}))


@pytest.mark.parametrize("unknown", UNKNOWN, ids=lambda deployment: deployment.model)
def test_one_candidate_without_a_price_refuses_the_call_and_names_it_and_the_fields(unknown: Deployment) -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        check_prices((*KNOWN, unknown), _TABLE, "refuse", has_budget=False)
    assert caught.value.code == "model_cost_map_missing"
    assert f"`openai/{unknown.model}`" in caught.value.message
    assert "`input_cost_per_token` and `output_cost_per_token`" in str(caught.value.hint)


@pytest.mark.parametrize("setting", ["when_budgeted", "refuse", "allow"])
@pytest.mark.parametrize("has_budget", [False, True])
def test_known_prices_are_never_refused_zero_included(setting: UnknownPrice, has_budget: bool) -> None:
    check_prices(KNOWN, _TABLE, setting, has_budget=has_budget)


@pytest.mark.parametrize(
    ("setting", "has_budget", "refused"),
    [
        ("when_budgeted", False, False),
        ("when_budgeted", True, True),
        ("refuse", False, True),
        ("refuse", True, True),
        ("allow", False, False),
        ("allow", True, False),
    ],
)
def test_setting_and_budget_decide(setting: UnknownPrice, has_budget: bool, refused: bool) -> None:
    if refused:
        with pytest.raises(PermissionDeniedError):
            check_prices(UNKNOWN, _TABLE, setting, has_budget=has_budget)
    else:
        check_prices(UNKNOWN, _TABLE, setting, has_budget=has_budget)
