"""Prices in the configuration."""

from decimal import Decimal

import pytest

from support.configuration import errors_of, load, load_texts
from tianji_core.config import GatewayConfig, PriceFile, PriceSettings
from tianji_core.pricing.adjustments import Margin


def _prices(text: str) -> PriceSettings:
    return load(f"tianji_settings:\n  {text}").prices


def test_nothing_said_means_the_defaults() -> None:
    assert _prices("{}") == PriceSettings()


def test_discounts_and_margins_are_exact() -> None:
    prices = _prices(
        "cost_discount_config: {openai: 0.1}\n  cost_margin_config: {global: 0.2, groq: {percentage: '3e-2', fixed_amount: 0.001}}"
    )
    assert prices.discounts == {"openai": Decimal("0.1")}
    assert prices.margins == {
        "global": Margin(fraction=Decimal("0.2")),
        "groq": Margin(fraction=Decimal("0.03"), fixed_usd=Decimal("0.001")),
    }


def test_overrides_keep_decimals_and_what_is_no_price() -> None:
    text = "model_prices_overrides: {m: {input_cost_per_token: 1e-7, max_tokens: 5, tiered_pricing: [{range: [0, 1]}], source: x, y: null}}"
    assert _prices(text).overrides == {
        "m": {"input_cost_per_token": Decimal("1e-7"), "max_tokens": 5, "tiered_pricing": ({"range": (0, 1)},), "source": "x"}
    }


@pytest.mark.parametrize(
    ("value", "meaning"), [("true", "refuse"), ("false", "allow"), ("when_budgeted", "when_budgeted"), ("null", "when_budgeted")]
)
def test_what_happens_without_a_price(value: str, meaning: str) -> None:
    assert _prices(f"block_requests_for_models_without_pricing: {value}").unknown_price == meaning


def test_a_price_file_stands_beside_the_file_that_names_it() -> None:
    config = load_texts(
        {
            "/etc/c.yaml": "include: [p/prices.yaml]\ngeneral_settings: {dangerously_permit_weak_or_unset_master_key: true}",
            "/etc/p/prices.yaml": "tianji_settings: {model_prices_file: mine.json}",
        }
    )
    assert isinstance(config, GatewayConfig)
    assert config.prices.file == PriceFile(path="/etc/p/mine.json", mode="extend")
    assert _prices("model_prices_file: {path: /x.json, mode: replace}").file == PriceFile(path="/x.json", mode="replace")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cost_discount_config: {a: 1.5}", "`a` in cost_discount_config: must be at most 1"),
        ("cost_discount_config: {a: x}", "`a` in cost_discount_config: expected a number, found text"),
        ("cost_margin_config: {a: -1}", "`a` in cost_margin_config: must be at least 0"),
        ("cost_margin_config: {a: [1]}", "`a` in cost_margin_config: expected a number, found a list"),
        ("model_prices_overrides: {a: 1}", "`model_prices_overrides` of `a` must be a map of pricing fields"),
        (
            "model_prices_overrides: {a: {input_cost_per_token: cheap}}",
            "`input_cost_per_token` in a price: expected a number, found text",
        ),
        ("model_prices_overrides: {a: {output_cost_per_token: -1}}", "`output_cost_per_token` in a price: must be at least 0"),
        ("model_prices_file: 3", "`model_prices_file` must be a path, or `{path: …, mode: extend}`"),
        ("model_prices_file: {mode: extend}", "`model_prices_file` must be a path, or `{path: …, mode: extend}`"),
        ("model_prices_file: {path: a, mode: x}", "`mode` in model_prices_file: must be one of `extend`, `replace`"),
        (
            "block_requests_for_models_without_pricing: maybe",
            "`block_requests_for_models_without_pricing` in tianji_settings: must be true, false or `when_budgeted`",
        ),
    ],
)
def test_malformed_prices_are_errors(text: str, message: str) -> None:
    assert errors_of(f"tianji_settings:\n  {text}") == [f"config.yaml:2: {message}"]
