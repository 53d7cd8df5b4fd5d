"""What a start prints."""

import json
import shlex

import msgspec

from tianji_app.banner import Started, banner

STARTED = Started(address="http://127.0.0.1:4000", data_dir="/data", store="sqlite", models=("local/m",), prices_date="2026-11-01")


def test_start_with_a_configuration_shows_facts_and_no_key() -> None:
    text = banner(STARTED)
    for fact in ("http://127.0.0.1:4000", "/data", "sqlite", "local/m", "2026-11-01"):
        assert fact in text
    assert "sk-" not in text
    assert "curl" not in text
    assert text.endswith("\n")


def test_curl_begins_a_line_of_its_own_and_is_a_streamed_call() -> None:
    text = banner(msgspec.structs.replace(STARTED, example_model="local/m", new_master_key="sk-master", quickstart_key="sk-quick"))
    (line,) = [line for line in text.splitlines() if line.startswith("curl ")]
    words = shlex.split(line)
    assert "http://127.0.0.1:4000/v1/chat/completions" in words
    assert "Authorization: Bearer sk-quick" in words
    body = json.loads(words[words.index("-d") + 1])
    assert (body["model"], body["stream"], body["messages"][0]["role"]) == ("local/m", True, "user")


def test_master_key_is_shown_only_when_it_was_made_now() -> None:
    assert "sk-master" in banner(msgspec.structs.replace(STARTED, new_master_key="sk-master"))
    assert "Master key" not in banner(STARTED)


def test_no_curl_is_shown_where_there_is_no_model_to_call() -> None:
    assert "curl" not in banner(msgspec.structs.replace(STARTED, quickstart_key="sk-quick"))


def test_long_lists_of_models_are_cut_and_counted() -> None:
    names = tuple(f"model-{number}" for number in range(11))
    text = banner(msgspec.structs.replace(STARTED, models=names))
    assert "model-7, and 3 more" in text
    assert "model-8" not in text
    assert "none yet" in banner(msgspec.structs.replace(STARTED, models=()))


def test_notes_are_shown() -> None:
    assert "  Note: no local model\n" in banner(msgspec.structs.replace(STARTED, notes=("no local model",)))
