"""`router_settings`, with `tianji_settings` behind it."""

import pytest

from support.configuration import errors_of, load, warnings_of
from tianji_core.routing.settings import Alias, RouterSettings

_GROUPS = """
model_list:
  - {model_name: a, tianji_params: {model: gpt-4o, api_key: x}}
  - {model_name: b, tianji_params: {model: gpt-4o, api_key: x}}
"""


def test_defaults_are_the_routers_own() -> None:
    assert load("").router == RouterSettings()


def test_every_knob_arrives() -> None:
    router = load(
        _GROUPS
        + """
router_settings:
  num_retries: 1
  retry_after: 2
  timeout: 30
  stream_timeout: 5
  max_request_timeout: 40
  first_byte_hold: 0
  stream_idle_timeout: 7
  max_stream_duration: 8
  allowed_fails: 9
  cooldown_time: 10
  max_fallbacks: 2
  fallbacks: [{a: [b]}]
  default_fallbacks: [b]
  context_window_fallbacks: [{a: [{model: b}]}]
  content_policy_fallbacks: [{b: [a]}]
  retry_policy: {BadRequestErrorRetries: 1, AuthenticationErrorRetries: 2, ContentPolicyViolationErrorRetries: 3}
  model_group_retry_policy: {a: {InternalServerErrorRetries: 4, TimeoutErrorRetries: 0}}
  allowed_fails_policy: {RateLimitErrorAllowedFails: 5}
  model_group_alias: {c: a, d: {model: b, hidden: true}}
"""
    ).router
    assert router == RouterSettings(
        num_retries=1,
        retry_after_seconds=2.0,
        timeout_seconds=30.0,
        stream_timeout_seconds=5.0,
        max_timeout_seconds=40.0,
        first_byte_hold_seconds=0.0,
        stream_idle_seconds=7.0,
        max_stream_seconds=8.0,
        allowed_fails=9,
        cooldown_seconds=10.0,
        max_fallbacks=2,
        fallbacks={"*": ("b",), "a": ("b",)},
        context_window_fallbacks={"a": ("b",)},
        content_policy_fallbacks={"b": ("a",)},
        retries_by_class={"bad_request": 1, "authentication": 2, "content_policy": 3},
        group_retries_by_class={"a": {"internal_server": 4, "timeout": 0}},
        allowed_fails_by_class={"rate_limit": 5},
        aliases={"c": Alias(group="a"), "d": Alias(group="b", hidden=True)},
    )


def test_the_settings_block_speaks_where_the_router_block_does_not() -> None:
    router = load("litellm_settings: {num_retries: 0, request_timeout: 700, default_fallbacks: [], cooldown_time: 0}").router
    assert (router.num_retries, router.timeout_seconds, router.max_timeout_seconds, router.cooldown_seconds) == (0, 700.0, 700.0, 0.0)


def test_the_router_block_wins_and_a_difference_is_told_with_both_lines() -> None:
    text = "litellm_settings:\n  request_timeout: 10\n  num_retries: 3\nrouter_settings:\n  timeout: 20\n  num_retries: 3"
    assert load(text).router.timeout_seconds == 20.0
    assert warnings_of(text) == [
        "config.yaml:5: `router_settings.timeout` wins over the different `tianji_settings.request_timeout` of config.yaml:2"
    ]


def test_disabled_cooldowns_are_cooldowns_of_no_length() -> None:
    assert load("router_settings: {disable_cooldowns: true, cooldown_time: 9}").router.cooldown_seconds == 0.0


def test_a_strategy_that_is_not_built_is_replaced_with_a_warning() -> None:
    text = "router_settings: {routing_strategy: least-busy}"
    assert load(text).router.strategy == "simple-shuffle"
    assert warnings_of(text) == ["config.yaml:1: `routing_strategy: least-busy` is not built yet; `simple-shuffle` is used"]


def test_an_unknown_strategy_is_an_error() -> None:
    assert "must be one of" in errors_of("router_settings: {routing_strategy: fastest}")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fallbacks: {a: [b]}", "`fallbacks` in router_settings: expected a list, found a map"),
        ("fallbacks: [a]", "`fallbacks` must be a list of `group: [groups]`"),
        ("fallbacks: [{a: b}]", "`fallbacks` of `a` must be a list of model groups"),
        ("fallbacks: [{a: [1]}]", "`fallbacks`: a target must be the name of a model group"),
        ("fallbacks: [{a: [{messages: []}]}]", "`fallbacks`: a target must be the name of a model group"),
        ("fallbacks: [{a: [b]}, {a: [c]}]", "`a` has two lists in `fallbacks`"),
        ("retry_policy: {TimeoutErrorRetries: x}", "`TimeoutErrorRetries` in retry_policy: expected a whole number, found text"),
        ("model_group_retry_policy: {a: 3}", "`model_group_retry_policy` of `a` must be a map"),
        ("model_group_alias: {a: 3}", "the alias `a` must be a group's name, or `{model: group, hidden: true}`"),
        ("model_group_alias: {a: {hidden: true}}", "the alias `a` must be a group's name, or `{model: group, hidden: true}`"),
        ("num_retries: 2.5", "`num_retries` in router_settings: expected a whole number, found a number with a fraction"),
        ("timeout: 0", "`timeout` in router_settings: must be more than 0"),
    ],
)
def test_malformed_settings_are_errors(text: str, message: str) -> None:
    assert errors_of("router_settings:\n  " + text) == [f"config.yaml:2: {message}"]


def test_an_unknown_error_class_is_a_warning() -> None:
    assert warnings_of("router_settings: {retry_policy: {TimoutErrorRetries: 1}}") == [
        "config.yaml:1: unknown key `TimoutErrorRetries` in retry_policy; did you mean `TimeoutErrorRetries`?"
    ]


def test_a_fallback_to_nothing_is_a_warning() -> None:
    assert warnings_of(_GROUPS + "router_settings: {fallbacks: [{a: [b, nobody]}], model_group_alias: {c: a}}") == [
        "config.yaml:5: the fallback `nobody` is no model group of this configuration"
    ]


def test_aliases_and_wildcards_may_be_fallbacks() -> None:
    assert warnings_of(_GROUPS + "router_settings: {fallbacks: [{a: [c]}], model_group_alias: {c: a}}") == []
    wild = "model_list: [{model_name: '*', tianji_params: {model: openai/*, api_key: x}}]\n"
    assert warnings_of(wild + "router_settings: {default_fallbacks: [anything]}") == []


def test_parameters_of_a_fallback_are_told_to_have_no_effect() -> None:
    text = _GROUPS + "router_settings: {fallbacks: [{a: [{model: b, temperature: 1}]}]}"
    assert warnings_of(text) == ["config.yaml:5: parameters beside `model` in `fallbacks` are not built yet"]
    assert load(text).router.fallbacks == {"a": ("b",)}
