"""What a reload must not change."""

import pytest

from support.configuration import load
from tianji_core.config import restart_only_changes

_OLD = "general_settings:\n  host: a\n  port: 1\n  database_url: $URL\n  master_key: sk-0123456789abcdefghij\n"
_ENVIRONMENT = {"URL": "postgresql://secret"}


def _changes(new: str, environment: dict[str, str] | None = None) -> list[str]:
    return [str(error) for error in restart_only_changes(load(_OLD, _ENVIRONMENT), load(new, environment or _ENVIRONMENT))]


def test_live_settings_may_change() -> None:
    assert _changes(_OLD + "  tokenizer: eager\nmodel_list: [{model_name: a, tianji_params: {model: gpt-4o, api_key: x}}]") == []


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (_OLD.replace("host: a", "host: b"), "config.yaml:2: `general_settings.host` was changed"),
        (_OLD.replace("port: 1", "port: 2"), "config.yaml:3: `general_settings.port` was changed"),
        (_OLD.replace("  port: 1\n", ""), "config.yaml:3: `general_settings.port` was removed"),
        (_OLD.replace("ghij", "gxyz"), "config.yaml:5: `general_settings.master_key` was changed"),
    ],
)
def test_a_setting_of_the_process_is_refused_with_its_line(new: str, expected: str) -> None:
    (change,) = _changes(new)
    assert change.startswith(expected)


def test_a_new_value_behind_a_reference_is_a_change_and_is_not_shown() -> None:
    (change,) = _changes(_OLD, {"URL": "postgresql://planted"})
    assert "`general_settings.database_url` was changed" in change
    assert "planted" not in change


def test_what_the_old_configuration_did_not_have_is_added() -> None:
    (change,) = [str(error) for error in restart_only_changes(load(""), load("general_settings: {port: 1}"))]
    assert change.startswith("config.yaml:1: `general_settings.port` was added")


def test_all_changes_are_told() -> None:
    assert len(restart_only_changes(load(_OLD, _ENVIRONMENT), load(""))) == 4


def test_journal_belongs_to_the_process() -> None:
    old, new = load("journal: {sync_interval: 1, max_bytes: 2000000}"), load("journal:\n  sync_interval: off\n  max_bytes: 2000000")
    (change,) = [str(error) for error in restart_only_changes(old, new)]
    assert change.startswith("config.yaml:2: `journal.sync_interval` was changed")
