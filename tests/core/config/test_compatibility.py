"""Spellings, unknown keys, and keys without code."""

import pytest

from support.configuration import errors_of, load, warnings_of


def test_each_of_our_blocks_has_two_spellings() -> None:
    text = "litellm_settings: {drop_params: true}\nmodel_list: [{model_name: a, litellm_params: {model: gpt-4o, api_key: x}}]"
    assert load(text).deployments[0].parameter_mode == "drop"


def test_both_spellings_in_one_block_are_an_error_that_names_both_lines() -> None:
    assert errors_of("litellm_settings: {drop_params: true}\ntianji_settings: {drop_params: true}") == [
        "config.yaml:2: `litellm_settings` (line 1) and `tianji_settings` are two spellings of one key in the top level (keep one of them)"
    ]


def test_an_empty_second_spelling_is_no_second_spelling() -> None:
    assert load("litellm_settings:\ntianji_settings: {callbacks: prometheus}").litellm_metric_names


def test_an_unknown_key_is_a_warning_with_a_suggestion() -> None:
    assert warnings_of("general_settings:\n  mastr_key: x\n  zzz: 1") == [
        "config.yaml:2: unknown key `mastr_key` in general_settings; did you mean `master_key`?",
        "config.yaml:3: unknown key `zzz` in general_settings",
    ]


def test_strict_config_makes_unknown_keys_errors() -> None:
    assert errors_of("general_settings:\n  strict_config: true\n  mastr_key: x\nmodels: []") == [
        "config.yaml:3: unknown key `mastr_key` in general_settings (did you mean `master_key`?)",
        "config.yaml:4: unknown key `models` in the top level (did you mean `model_list`?)",
    ]


def test_an_unknown_key_in_a_block_that_only_we_have_is_an_error() -> None:
    assert errors_of("prometheus: {nameing: litellm}") == ["config.yaml:1: unknown key `nameing` in prometheus (did you mean `naming`?)"]


def test_keys_that_begin_with_x_are_for_anchors() -> None:
    assert warnings_of("x-anchors: {a: 1}") == []


@pytest.mark.parametrize(
    "text",
    [
        "guardrails: [{guardrail_name: pii}]",
        "policies: {base: {}}",
        "general_settings: {allowed_ips: ['10.0.0.0/8']}",
        "general_settings: {allowed_ips: []}",
        "general_settings: {use_x_forwarded_for: true}",
        "general_settings: {trusted_proxies: ['10.0.0.1']}",
        "general_settings: {ip_access: enforce}",
        "general_settings: {enable_jwt_auth: true}",
        "general_settings: {litellm_jwtauth: {admin_jwt_scope: x}}",
        "general_settings: {max_parallel_requests: 5}",
        "general_settings: {key_management_system: aws_secret_manager}",
        "litellm_settings: {max_budget: 10}",
        "litellm_settings: {redact_user_api_key_info: true}",
        "litellm_settings: {upperbound_key_generate_params: {max_budget: 1}}",
        "router_settings: {provider_budget_config: {openai: {budget_limit: 1, time_period: 1d}}}",
        "router_settings: {enable_tag_filtering: true}",
        "router_settings: {optional_pre_call_checks: [prompt_caching, router_budget_limiting]}",
        "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x, max_budget: 1}}]",
        "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x, tpd: 100}}]",
        "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x}, model_info: {team_id: t}}]",
        "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x}, access_control: {allowed_teams: [t]}}]",
    ],
)
def test_a_protection_that_is_not_built_refuses_the_start_unless_allowed(text: str) -> None:
    errors = errors_of(text)
    assert len(errors) == 1
    assert errors[0].startswith("config.yaml:1: ")
    assert "protects something and is not built yet" in errors[0]
    allowed = (
        text.replace("general_settings: {", "general_settings: {allow_unsupported: true, ")
        if "general_settings" in text
        else text + "\ngeneral_settings: {allow_unsupported: true}"
    )
    assert any("NO EFFECT" in warning for warning in warnings_of(allowed))


@pytest.mark.parametrize(
    "text",
    [
        "guardrails: []\npolicies: {}\npolicy_attachments:",
        "general_settings: {allowed_ips: null, enable_jwt_auth: false, max_parallel_requests: null, ip_access: when_listed}",
        "litellm_settings: {max_budget: 0, redact_user_api_key_info: false, cache: false, user_url_validation: true}",
        "router_settings: {enable_tag_filtering: false, optional_pre_call_checks: []}",
        "model_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x, rpm: 5, tpm: 7, max_budget: null}}]",
    ],
)
def test_keys_that_ask_for_nothing_are_silent(text: str) -> None:
    assert warnings_of(text) == []


def test_zero_is_neutral_only_where_it_means_none() -> None:
    assert len(errors_of("general_settings: {max_parallel_requests: 0}")) == 1


def test_other_known_keys_without_code_warn_once_by_name() -> None:
    entry = "{model_name: a, tianji_params: {model: gpt-4o, api_key: x, mock_response: hi}}"
    assert warnings_of(f"model_list:\n  - {entry}\n  - {entry}\nlitellm_settings:\n  cache: true\n  json_logs: true") == [
        "config.yaml:2: `mock_response` in tianji_params is not built yet and has no effect",
        "config.yaml:5: `cache` in tianji_settings is not built yet and has no effect",
        "config.yaml:6: `json_logs` in tianji_settings has no meaning for TianJi and is ignored",
    ]


def test_a_known_key_of_the_wrong_type_is_an_error_even_without_code() -> None:
    assert errors_of("litellm_settings: {cache: maybe}") == [
        "config.yaml:1: `cache` in tianji_settings: expected true or false, found text",
    ]


def test_a_block_of_the_wrong_type_is_an_error() -> None:
    assert errors_of("general_settings: []\nrouter_settings: [1]\nmodel_list: {a: 1}") == [
        "config.yaml:2: `router_settings` in the top level: expected a map, found a list",
        "config.yaml:3: `model_list` in the top level: expected a list, found a map",
    ]


@pytest.mark.parametrize("value", ["'yes'", "[]", "1"])
def test_allow_unsupported_of_a_wrong_type_allows_nothing(value: str) -> None:
    assert any("protects" in error for error in errors_of(f"general_settings: {{allow_unsupported: {value}, enable_jwt_auth: true}}"))
