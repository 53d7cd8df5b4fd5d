"""`journal`."""

import pytest

from support.configuration import load, load_texts
from tianji_core.config import ConfigurationErrors
from tianji_core.spend.journal_settings import JournalSettings


def test_what_is_not_said_keeps_its_default() -> None:
    assert load("").journal == load("journal: {}").journal == JournalSettings()
    assert load("journal: {max_bytes: 2000000}").journal == JournalSettings(max_bytes=2_000_000)


def test_every_key_arrives() -> None:
    text = "journal: {sync_interval: 2.5, max_bytes: 1048576, min_free_bytes: 0, interrupted_billing: bound, allow_network_fs: true}"
    assert load(text).journal == JournalSettings(
        sync_interval_seconds=2.5, max_bytes=1 << 20, min_free_bytes=0, interrupted_billing="bound", allow_network_fs=True
    )


@pytest.mark.parametrize(("written", "seconds"), [("0", 0.0), ("off", None), ("'off'", None), ("false", None), ("1", 1.0), ("$OFF", None)])
def test_interval_is_a_number_of_seconds_or_off(written: str, seconds: float | None) -> None:
    assert load(f"journal: {{sync_interval: {written}}}", {"OFF": "off"}).journal.sync_interval_seconds == seconds


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("{sync_intervall: 1}", "unknown key `sync_intervall` in journal"),
        ("{sync_interval: never}", "expected a number of seconds or `off`, found text"),
        ("{sync_interval: true}", "expected a number of seconds or `off`, found true or false"),
        ("{sync_interval: -1}", "must be at least 0"),
        ("{max_bytes: 5}", "must be at least 1048576"),
        ("{interrupted_billing: free}", "must be one of `received`, `bound`, `zero`"),
        ("false", "expected a map"),
    ],
)
def test_what_is_wrong_is_refused(block: str, expected: str) -> None:
    with pytest.raises(ConfigurationErrors, match=r"config\.yaml:2") as caught:
        load_texts({"config.yaml": f"general_settings: {{master_key: sk-0123456789abcdefghij}}\njournal: {block}"})
    (error,) = caught.value.errors
    assert expected in str(error)
