"""From files to a snapshot."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from support.gateway_parts import PROVIDERS, deployment
from tianji_adapters.system.packaged_data import PackagedPrices
from tianji_app.configuration import ConfigurationSource
from tianji_app.options import options_of
from tianji_core.errors import ConfigurationError
from tianji_core.wire.json import encode

_ENTRIES = {
    "gpt-4o": {"input_cost_per_token": Decimal("0.0000025"), "litellm_provider": "openai", "max_output_tokens": 16384, "mode": "chat"},
    "gpt-4.1": {"input_cost_per_token": Decimal("0.000002"), "litellm_provider": "openai"},
}
PACKAGED = PackagedPrices(
    entries={name: msgspec.Raw(encode(entry)) for name, entry in _ENTRIES.items()},
    date="2026-01-01",
    corrections={},
)
MODEL = (
    "general_settings: {master_key: sk-master-0123456789abcdef}\n"
    "model_list:\n  - model_name: fast\n    litellm_params: {model: openai/gpt-4o, api_key: k}\n"
)
INPUT = "input_cost_per_token"


def source_of(tmp_path: Path, text: str | None, **files: str) -> ConfigurationSource:
    """Return the source of a configuration file; further files stand beside it as `NAME.json`."""
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(content)
    config = None
    if text is not None:
        (tmp_path / "config.yaml").write_text(text)
        config = str(tmp_path / "config.yaml")
    return ConfigurationSource(options_of({}, config=config, data_dir=str(tmp_path)), PROVIDERS, (), PACKAGED)


def rate(source: ConfigurationSource, key: str) -> object:
    """Return what a token costs."""
    return source.load().prices.entry(key).fields.get(INPUT)


def test_no_file_is_a_gateway_without_models(tmp_path: Path) -> None:
    snapshot = source_of(tmp_path, None).load()
    assert (snapshot.index.names(), snapshot.prices.date) == ((), "2026-01-01")


def test_deployments_know_what_the_price_table_says_of_their_model(tmp_path: Path) -> None:
    (found,) = source_of(tmp_path, MODEL).load().config.deployments
    assert (found.max_output_tokens, found.info("mode")) == (16384, "chat")


def test_embedded_model_stands_beside_what_the_files_say(tmp_path: Path) -> None:
    source = source_of(tmp_path, MODEL)
    extra = deployment("local", "local/m", provider="local")
    snapshot = ConfigurationSource(source.options, PROVIDERS, (extra,), PACKAGED).load()
    assert snapshot.index.names() == ("fast", "local/m")
    assert snapshot.config.deployments[1] is extra


def test_own_price_file_stands_beside_the_configuration_and_before_the_package(tmp_path: Path) -> None:
    own = '{"gpt-4o": {"input_cost_per_token": 0.00001, "max_output_tokens": 99, "litellm_provider": "openai"}}'
    source = source_of(tmp_path, MODEL + "litellm_settings: {model_prices_file: prices.json}\n", prices=own)
    assert rate(source, "gpt-4o") == Decimal("0.00001")
    assert rate(source, "gpt-4.1") == Decimal("0.000002")
    assert source.load().config.deployments[0].max_output_tokens == 99


def test_price_file_is_read_again_at_each_load(tmp_path: Path) -> None:
    source = source_of(
        tmp_path, MODEL + "litellm_settings: {model_prices_file: prices.json}\n", prices='{"m": {"input_cost_per_token": 1e-6}}'
    )
    assert rate(source, "m") == Decimal("0.000001")
    (tmp_path / "prices.json").write_text('{"m": {"input_cost_per_token": 2e-6}}')
    assert rate(source, "m") == Decimal("0.000002")


@pytest.mark.parametrize("content", ["[1]", "nonsense", '{"m": 1}', '{"m": {"input_cost_per_token": "cheap"}}'])
def test_price_file_that_is_none_is_refused_by_name(tmp_path: Path, content: str) -> None:
    source = source_of(tmp_path, MODEL + "litellm_settings: {model_prices_file: prices.json}\n", prices=content)
    with pytest.raises(ConfigurationError, match="price"):
        source.load()


def test_price_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    source = source_of(tmp_path, MODEL + "litellm_settings: {model_prices_file: nowhere.json}\n")
    with pytest.raises(ConfigurationError, match=r"nowhere\.json"):
        source.load()


def test_margins_and_discounts_reach_the_snapshot(tmp_path: Path) -> None:
    more = (
        "litellm_settings:\n  cost_discount_config: {openai: 0.05}\n  cost_margin_config: {global: 0.1, anthropic: {fixed_amount: 0.001}}\n"
    )
    adjustments = source_of(tmp_path, MODEL + more).load().adjustments
    assert dict(adjustments.discounts) == {"openai": Decimal("0.05")}
    assert adjustments.margins["global"].fraction == Decimal("0.1")
    assert adjustments.margins["anthropic"].fixed_usd == Decimal("0.001")


def test_custom_price_that_could_not_be_computed_is_refused_at_the_start(tmp_path: Path) -> None:
    broken = MODEL.replace("api_key: k}", "api_key: k, tiered_pricing: [{range: [0]}]}")
    with pytest.raises(ConfigurationError, match="the price of a deployment of `fast`"):
        source_of(tmp_path, broken).load()
