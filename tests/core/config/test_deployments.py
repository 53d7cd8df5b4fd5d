"""`model_list` to deployments."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from support.configuration import MASTER_KEY, PROVIDERS, errors_of, load, warnings_of
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.secret import Secret
from tianji_core.config import GatewayConfig, SourceFile, load_config


def _one(params: str, more: str = "", environment: Mapping[str, str] | None = None) -> Deployment:
    return load(f"model_list:\n  - {{model_name: a, tianji_params: {{{params}}}{more}}}", environment).deployments[0]


def _error(params: str, environment: Mapping[str, str] | None = None) -> str:
    errors = errors_of(f"model_list:\n  - {{model_name: a, tianji_params: {{{params}}}}}", environment)
    assert len(errors) == 1
    return errors[0]


def test_parameters_become_fields() -> None:
    deployment = _one(
        "model: openai/gpt-4o, api_key: k, api_base: 'https://x/v1', organization: o, anthropic_version: 2023-06-01, timeout: 3,"
        " stream_timeout: 1.5, max_retries: 0, weight: 0.5, rpm: 6, tpm: 7, order: 2, cooldown_time: 0, drop_params: true,"
        " additional_drop_params: [seed], allowed_openai_params: [tools], configurable_clientside_auth_params: [api_key, api_base]"
    )
    assert (deployment.group, deployment.provider, deployment.model) == ("a", "openai", "gpt-4o")
    assert deployment.auth_secret == Secret("k")
    assert deployment.base_url == "https://x/v1"
    assert deployment.options == {"organization": "o", "anthropic_version": "2023-06-01"}
    assert (deployment.timeout_seconds, deployment.stream_timeout_seconds, deployment.max_retries) == (3.0, 1.5, 0)
    assert (deployment.weight, deployment.rpm, deployment.tpm, deployment.order) == (Decimal("0.5"), 6, 7, 2)
    assert deployment.cooldown_seconds == 0.0
    assert deployment.parameter_mode == "drop"
    assert deployment.dropped_parameters == {"seed"}
    assert deployment.allowed_parameters == {"tools"}
    assert deployment.client_credentials == {"api_key", "api_base"}
    assert deployment.extra_body == {}


def test_the_key_and_the_base_url_come_from_the_providers_variables_where_absent() -> None:
    environment = {"GROQ_KEY": "second", "GROQ_API_BASE": "http://proxy"}
    deployment = _one("model: groq/x", environment=environment)
    assert (deployment.auth_secret, deployment.base_url) == (Secret("second"), "http://proxy")
    assert _one("model: groq/x", environment={**environment, "GROQ_API_KEY": "first"}).auth_secret == Secret("first")
    assert _one("model: groq/x, api_key: own", environment=environment).auth_secret == Secret("own")
    in_file = load("environment_variables: {GROQ_KEY: f}\nmodel_list: [{model_name: a, tianji_params: {model: groq/x}}]")
    assert in_file.deployments[0].auth_secret == Secret("f")


def test_a_missing_key_is_an_error_that_names_the_variables() -> None:
    assert _error("model: groq/x") == "config.yaml:2: `groq` needs an `api_key` (or set `GROQ_API_KEY` or `GROQ_KEY`)"


@pytest.mark.parametrize(
    "params",
    ["model: openai/x, api_base: 'http://localhost'", "model: openai/x, configurable_clientside_auth_params: [api_key]"],
)
def test_no_key_is_needed_for_an_own_server_or_where_callers_bring_theirs(params: str) -> None:
    assert _one(params).auth_secret is None


def test_a_server_without_an_address_of_its_own_needs_one() -> None:
    assert _error("model: vllm/x") == "config.yaml:2: `hosted_vllm` needs an `api_base` (or set `HOSTED_VLLM_API_BASE`)"
    assert "CLOUDFLARE_ACCOUNT_ID" in _error("model: cloudflare/x, api_key: k")
    filled = _one("model: cloudflare/x, api_key: k", environment={"CLOUDFLARE_ACCOUNT_ID": "acc"}).base_url
    assert filled is not None
    assert "/acc/" in filled
    assert _one("model: vllm/x", environment={"HOSTED_VLLM_API_BASE": "http://gpu:8000"}).base_url == "http://gpu:8000"


def test_an_address_must_be_http() -> None:
    assert "must begin with `http://` or `https://`" in _error("model: openai/x, api_base: 'file:///etc/passwd'")


def test_unknown_parameters_are_the_providers_and_extra_body_is_merged_over_them() -> None:
    deployment = _one("model: gpt-4o, api_key: k, top_k: 40, reasoning: {effort: low}, extra_body: {top_k: 50, stop: [a]}, seed: null")
    assert deployment.extra_body == {"top_k": 50, "reasoning": {"effort": "low"}, "stop": ("a",)}


def test_a_parameter_one_edit_from_a_known_key_is_warned_of_and_sent() -> None:
    text = "model_list:\n  - model_name: a\n    litellm_params:\n      model: gpt-4o\n      api_key: x\n      timout: 3"
    assert warnings_of(text) == ["config.yaml:6: `timout` is sent to the provider as a parameter; did you mean `timeout`?"]
    assert load(text).deployments[0].extra_body == {"timout": 3}


def test_strict_config_leaves_parameters_alone() -> None:
    text = "general_settings: {strict_config: true}\nmodel_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x, top_k: 1}}]"
    assert errors_of(text) == []


def test_prices_of_the_parameters_win_over_those_of_the_facts() -> None:
    text = (
        "model_list:\n  - model_name: a\n"
        "    tianji_params: {model: gpt-4o, api_key: x, input_cost_per_token: 0, output_cost_per_token: 2e-6}\n"
        "    model_info: {input_cost_per_token: 1e-6, output_cost_per_token: 0.000002, cache_read_input_token_cost: 3, mode: chat}"
    )
    deployment = load(text).deployments[0]
    assert deployment.prices == {
        "input_cost_per_token": Decimal(0),
        "output_cost_per_token": Decimal("2e-6"),
        "cache_read_input_token_cost": Decimal(3),
    }
    assert deployment.extra_body == {}
    assert warnings_of(text) == [
        "config.yaml:3: `tianji_params.input_cost_per_token` wins over the different `model_info.input_cost_per_token` of config.yaml:4"
    ]


def test_facts_are_kept_and_the_price_table_is_asked_by_provider_model_and_base_model() -> None:
    asked: list[tuple[str, str, str | None]] = []

    def known(provider: str, model: str, base_model: str | None) -> Mapping[str, object]:
        asked.append((provider, model, base_model))
        return {"max_output_tokens": 7}

    text = "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x}, model_info: {base_model: b, supports_vision: true}}]"
    config = load_config("c", {"c": SourceFile(text=text)}, {"TIANJI_MASTER_KEY": MASTER_KEY}, PROVIDERS, known)
    assert isinstance(config, GatewayConfig)
    assert asked == [("openai", "gpt-4o", "b")]
    assert config.deployments[0].model_info == {"base_model": "b", "supports_vision": True}
    assert config.deployments[0].max_output_tokens == 7


def test_the_global_parameter_mode_is_the_default() -> None:
    entries = "model_list:\n  - {model_name: a, tianji_params: {model: gpt-4o, api_key: x}}\n"
    entries += "  - {model_name: a, tianji_params: {model: gpt-4o, api_key: x, drop_params: false}}\n"
    modes = [deployment.parameter_mode for deployment in load(entries + "litellm_settings: {drop_params: true}").deployments]
    assert modes == ["drop", "refuse"]
    assert load(entries).deployments[0].parameter_mode == "refuse"


def test_a_named_credential_and_the_routers_defaults_fill_what_is_absent() -> None:
    config = load(
        """
credential_list:
  - {credential_name: c, credential_values: {api_key: ck, base_url: "http://c", organization: co}}
router_settings:
  default_litellm_params: {organization: do, timeout: 9, top_k: 1}
model_list:
  - {model_name: a, litellm_params: {model: gpt-4o, litellm_credential_name: c, api_base: "http://own", top_k: 2}}
"""
    )
    deployment = config.deployments[0]
    assert (deployment.auth_secret, deployment.base_url) == (Secret("ck"), "http://own")
    assert (deployment.options, deployment.timeout_seconds, deployment.extra_body) == ({"organization": "co"}, 9.0, {"top_k": 2})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("credential_list: [{credential_values: {}}]", "this entry of `credential_list` has no `credential_name`"),
        ("credential_list: [{credential_name: a}, {credential_name: a}]", "the credential `a` is defined twice"),
        ("credential_list: [1]", "an entry of `credential_list` must be a map with `credential_name`"),
        ("model_list: [1]", "an entry of `model_list` must be a map with `model_name` and `tianji_params`"),
        ("model_list: [{model_name: a}]", "this entry of `model_list` has no `tianji_params` (or `litellm_params`)"),
        ("model_list: [{tianji_params: {model: gpt-4o, api_key: k}}]", "this entry of `model_list` has no `model_name`"),
        (
            "model_list: [{model_name: a, tianji_params: {api_key: k}}]",
            "`tianji_params` has no `model` (for example `model: openai/gpt-4.1-mini`)",
        ),
        (
            "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: k, tianji_credential_name: nobody}}]",
            "this names no entry of `credential_list`",
        ),
        (
            "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: k, configurable_clientside_auth_params: [user]}}]",
            "callers cannot bring `user`, only `api_base`, `api_key`, `api_version`, `base_url`, `extra_headers` and `organization`",
        ),
    ],
)
def test_malformed_entries_are_errors(text: str, message: str) -> None:
    assert errors_of(text) == [f"config.yaml:1: {message}"]


def test_invalid_deployments_can_be_left_out_with_a_warning() -> None:
    text = (
        "router_settings: {ignore_invalid_deployments: true}\nmodel_list:\n"
        "  - {model_name: a, tianji_params: {model: azure/x}}\n  - {model_name: b, tianji_params: {model: gpt-4o, api_key: k}}"
    )
    assert [deployment.group for deployment in load(text).deployments] == ["b"]
    assert warnings_of(text) == ["config.yaml:3: this deployment is left out: TianJi has no provider `azure`"]


def test_no_secret_shows_when_a_deployment_is_printed() -> None:
    text = str(_one("model: gpt-4o, api_key: sk-planted, proxy: 'http://u:planted@p'"))
    assert "planted" not in text
