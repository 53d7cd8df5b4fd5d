"""Flags before the environment before defaults."""

import os
from pathlib import Path

import pytest

from tianji_app.options import options_of, process_environment, set_variables


def test_nothing_said_is_sqlite_under_the_users_data_and_no_configuration() -> None:
    options = options_of({"XDG_DATA_HOME": "/data"})
    assert (options.data_dir, options.config, options.host, options.port, options.database_url) == (
        Path("/data/tianji"),
        None,
        None,
        None,
        None,
    )
    assert options.local_model
    assert options_of({}).data_dir == Path.home() / ".local" / "share" / "tianji"


@pytest.mark.parametrize(
    ("flag", "environment", "expected"),
    [
        ("f.yaml", {"TIANJI_CONFIG": "t.yaml", "CONFIG_FILE_PATH": "c.yaml"}, "f.yaml"),
        (None, {"TIANJI_CONFIG": "t.yaml", "CONFIG_FILE_PATH": "c.yaml"}, "t.yaml"),
        (None, {"CONFIG_FILE_PATH": "c.yaml"}, "c.yaml"),
        (None, {"TIANJI_CONFIG": ""}, None),
    ],
)
def test_configuration_is_the_first_that_is_named(flag: str | None, environment: dict[str, str], expected: str | None) -> None:
    assert options_of(environment, config=flag).config == expected


def test_data_directory_is_the_flag_then_the_variable() -> None:
    environment = {"TIANJI_DATA_DIR": "~/from-variable", "XDG_DATA_HOME": "/x"}
    assert options_of(environment).data_dir == Path.home() / "from-variable"
    assert options_of(environment, data_dir="/from-flag").data_dir == Path("/from-flag")


def test_flags_are_kept_as_given() -> None:
    options = options_of({}, host="0.0.0.0", port=0, database_url="sqlite:///x", lock_wait_seconds=0.0, local_model=False)
    assert (options.host, options.port, options.database_url) == ("0.0.0.0", 0, "sqlite:///x")
    assert (options.lock_wait_seconds, options.local_model) == (0.0, False)


def test_variables_of_the_configuration_do_not_replace_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIANJI_TEST_SET", "ours")
    monkeypatch.setenv("TIANJI_TEST_NEW", "x")
    monkeypatch.delenv("TIANJI_TEST_NEW")
    set_variables({"TIANJI_TEST_SET": "file's", "TIANJI_TEST_NEW": "file's"})
    try:
        environment = process_environment()
        assert (environment["TIANJI_TEST_SET"], environment["TIANJI_TEST_NEW"]) == ("ours", "file's")
    finally:
        del os.environ["TIANJI_TEST_NEW"]
