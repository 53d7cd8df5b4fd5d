"""`general_settings`, the environment and the master key."""

from collections.abc import Mapping

import pytest

from support.configuration import MASTER_KEY, load, load_texts
from tianji_core.calls.secret import Secret
from tianji_core.config import ConfigurationErrors, GatewayConfig, GeneralSettings, config_without_file


def _load(text: str, environment: Mapping[str, str] | None = None) -> GatewayConfig:
    result = load_texts({"config.yaml": text}, environment)
    assert isinstance(result, GatewayConfig)
    return result


def _errors(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationErrors) as caught:
        _load(text, environment)
    return [str(error) for error in caught.value.errors]


def test_defaults() -> None:
    assert load("").general == GeneralSettings(master_key=Secret(MASTER_KEY))
    assert GeneralSettings().max_request_bytes == 64 * 1024 * 1024


def test_all_built_settings_arrive() -> None:
    general = _load(
        f"""
general_settings:
  master_key: {MASTER_KEY}
  database_url: sqlite:///x.db
  host: 0.0.0.0
  port: 1
  max_request_size_mb: 0.5
  max_in_flight: 7
  max_queued: 0
  default_max_output_tokens: 99
  shutdown_delay: 0
  shutdown_grace: 1.5
  compat_headers: false
  tokenizer: eager
  response_model: upstream
  metrics_token: m
  custom_keys: all
  strict_management_fields: true
  compat_error_detail: false
"""
    ).general
    assert general == GeneralSettings(
        master_key=Secret(MASTER_KEY),
        database_url=Secret("sqlite:///x.db"),
        host="0.0.0.0",
        port=1,
        max_request_bytes=512 * 1024,
        max_in_flight=7,
        max_queued=0,
        default_max_output_tokens=99,
        shutdown_delay_seconds=0.0,
        shutdown_grace_seconds=1.5,
        compat_headers=False,
        tokenizer="eager",
        response_model="upstream",
        metrics_token=Secret("m"),
        custom_keys="all",
        strict_management_fields=True,
        compat_error_detail=False,
    )


def test_limits_have_litellms_names_too() -> None:
    loaded = load("general_settings: {max_in_flight_requests_per_worker: 3, max_queued_requests_per_worker: 4}")
    assert (loaded.general.max_in_flight, loaded.general.max_queued) == (3, 4)
    assert loaded.warnings == ()


def test_environment_says_how_long_the_end_takes_before_the_file_does() -> None:
    text = f"general_settings: {{master_key: {MASTER_KEY}, shutdown_delay: 1, shutdown_grace: 2}}"
    general = _load(text, {"TIANJI_SHUTDOWN_DELAY": "0.5", "TIANJI_SHUTDOWN_GRACE": ""}).general
    assert (general.shutdown_delay_seconds, general.shutdown_grace_seconds) == (0.5, 2.0)
    without = config_without_file({"TIANJI_SHUTDOWN_DELAY": "3", "TIANJI_SHUTDOWN_GRACE": "4"})
    assert (without.general.shutdown_delay_seconds, without.general.shutdown_grace_seconds) == (3.0, 4.0)


@pytest.mark.parametrize("text", ["x", "-1", "nan", "inf"])
def test_time_of_the_end_that_is_no_time_is_refused(text: str) -> None:
    message = "`TIANJI_SHUTDOWN_GRACE` must be a number of seconds, 0 or more"
    assert _errors(f"general_settings: {{master_key: {MASTER_KEY}}}", {"TIANJI_SHUTDOWN_GRACE": text}) == [message]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("{}", "admin"),
        ("{custom_keys: none}", "none"),
        ("{disable_custom_api_keys: true}", "none"),
        ("{disable_custom_api_keys: false}", "admin"),
        ("{disable_custom_api_keys: false, custom_keys: all}", "all"),
        ("{disable_custom_api_keys: true, custom_keys: none}", "none"),
    ],
)
def test_who_may_choose_keys(text: str, who: str) -> None:
    loaded = load(f"general_settings: {text}")
    assert loaded.general.custom_keys == who
    assert loaded.warnings == ()


def test_of_two_keys_about_chosen_keys_the_stricter_one_holds_and_is_told() -> None:
    loaded = load("general_settings: {disable_custom_api_keys: true, custom_keys: all}")
    assert loaded.general.custom_keys == "none"
    assert "nobody may choose a key" in str(loaded.warnings[0])


def test_a_file_without_a_master_key_is_refused() -> None:
    errors = _errors("")
    assert errors[0].startswith("config.yaml:1: there is no master key")
    assert "secrets.token_urlsafe" in errors[0]


@pytest.mark.parametrize(
    ("key", "weakness"),
    [
        ("sk-1234", "is one that everybody knows"),
        ("sk-1234567890abcdef", "is one that everybody knows"),
        ("0123456789abcdefghij", "must begin with `sk-`"),
        ("sk-abcdefghijkl", "is shorter than 16 characters"),
    ],
)
def test_a_weak_master_key_is_refused_and_not_shown(key: str, weakness: str) -> None:
    in_file = _errors(f"general_settings:\n  master_key: {key}")
    in_environment = _errors("", {"TIANJI_MASTER_KEY": key})
    assert in_file[0].startswith(f"config.yaml:2: the master key {weakness} (")
    assert in_environment[0].startswith(f"the master key of the environment {weakness} (")
    assert key not in in_file[0] + in_environment[0]


def test_sixteen_characters_are_enough() -> None:
    assert _load("general_settings: {master_key: sk-abcdefghijklm}").general.master_key == Secret("sk-abcdefghijklm")


@pytest.mark.parametrize("key", ["", "master_key: sk-1234, "])
def test_the_check_can_be_switched_off(key: str) -> None:
    assert _load(f"general_settings: {{{key}dangerously_permit_weak_or_unset_master_key: true}}")


def test_our_variables_beat_the_file_which_beats_other_names() -> None:
    text = f"general_settings: {{master_key: {MASTER_KEY}, database_url: file, host: file, port: 1}}"
    empty = "general_settings: {}"
    theirs = {"LITELLM_MASTER_KEY": "sk-litellm-0123456789", "DATABASE_URL": "theirs"}
    ours = {"TIANJI_MASTER_KEY": "sk-tianji-0123456789", "TIANJI_DATABASE_URL": "ours", "TIANJI_HOST": "ours", "TIANJI_PORT": "2"}
    first, second, third = _load(text, {**theirs, **ours}).general, _load(text, theirs).general, _load(empty, theirs).general
    assert (first.master_key, first.database_url) == (Secret("sk-tianji-0123456789"), Secret("ours"))
    assert (first.host, first.port) == ("ours", 2)
    assert (second.master_key, second.database_url) == (Secret(MASTER_KEY), Secret("file"))
    assert (second.host, second.port) == ("file", 1)
    assert (third.master_key, third.database_url) == (Secret("sk-litellm-0123456789"), Secret("theirs"))


@pytest.mark.parametrize("port", ["x", "-1", "65536", "²", "1.0"])
def test_a_bad_port_of_the_environment_is_an_error(port: str) -> None:
    assert _errors(f"general_settings: {{master_key: {MASTER_KEY}}}", {"TIANJI_PORT": port}) == [
        "`TIANJI_PORT` must be a port number from 0 to 65535"
    ]


def test_port_zero_of_the_environment_is_a_port() -> None:
    assert load("general_settings: {port: 4000}", {"TIANJI_PORT": "0"}).general.port == 0


def test_without_a_file_the_environment_speaks_and_no_master_key_is_needed() -> None:
    config = config_without_file({"TIANJI_DATABASE_URL": "postgresql://x", "TIANJI_PORT": "5000", "TIANJI_HOST": "::1"})
    assert config.general == GeneralSettings(database_url=Secret("postgresql://x"), port=5000, host="::1")
    assert config.deployments == ()


def test_without_a_file_a_weak_master_key_is_refused_too() -> None:
    with pytest.raises(ConfigurationErrors, match="everybody knows"):
        config_without_file({"TIANJI_MASTER_KEY": "sk-1234"})
