"""LiteLLM's own proxy client, unchanged, against the real gateway."""

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.gateway import MASTER_KEY, environment, running_gateway
from support.litellm_client import litellm_python

_SECONDS = 300

pytestmark = [pytest.mark.timeout(2 * _SECONDS), pytest.mark.xdist_group("litellm_client")]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the client was answered, by step; every step that it takes for an error would have stopped it."""
    python, data = litellm_python(), tmp_path_factory.mktemp("litellm") / "data"
    config = json.dumps({"model_list": [], "general_settings": {"master_key": MASTER_KEY}})
    variables = environment(data, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"})
    del variables["PYTHONPATH"]
    with running_gateway(data, config=config) as gateway:
        done = subprocess.run(
            [python, Path(__file__).with_name("drive.py"), gateway.base_url, gateway.master_key],
            env=variables,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_client_creates_a_key(steps: dict[str, Any]) -> None:
    made = steps["generate"]
    assert made["key"].startswith("sk-")
    assert made["key_name"] == "sk-..." + made["key"][-4:]
    assert made["token"] == made["token_id"]
    assert (made["key_alias"], made["user_id"], made["team_id"]) == ("from-litellm", "ada", "red")
    assert (made["models"], made["aliases"], made["spend"]) == (["gpt-5*"], {"fast": "gpt-5-nano"}, 1.5)
    assert made["expires"] > made["created_at"]


def test_client_lists_it(steps: dict[str, Any]) -> None:
    listed = steps["list"]
    assert (listed["total_count"], listed["current_page"], listed["total_pages"]) == (1, 1, 1)
    assert listed["keys"][0]["token"] == steps["generate"]["token"]
    assert steps["list_hashes"]["keys"] == [steps["generate"]["token"]]


def test_client_reads_it_by_its_text_and_by_its_hash(steps: dict[str, Any]) -> None:
    assert steps["info"] == steps["info_by_hash"]
    assert steps["info"]["key"] == steps["generate"]["token"]
    assert steps["info"]["info"]["spend"] == 1.5


def test_client_changes_it(steps: dict[str, Any]) -> None:
    changed = steps["update"]
    assert (changed["models"], changed["spend"], changed["key_alias"], changed["user_id"]) == (["gpt-5-nano"], 0.25, "renamed", "bob")
    assert (changed["team_id"], changed["aliases"]) == ("red", {"fast": "gpt-5-nano"})
    assert changed["expires"] > steps["generate"]["expires"]


def test_client_limits_it(steps: dict[str, Any]) -> None:
    given = {"max_budget": 10.5, "soft_budget": 8, "budget_duration": "30d", "rpm_limit": 60, "tpm_limit": 1000, "spend": 1.5}
    for answer in (steps["limited"], steps["limited_info"]["info"], steps["limited_list"]["keys"][0]):
        assert {name: answer[name] for name in given} == given
        assert answer["max_parallel_requests"] == 4
    changed = steps["limit_changed"]
    assert {name: changed[name] for name in given} == {
        "max_budget": 20,
        "soft_budget": None,
        "budget_duration": "7d",
        "rpm_limit": 60,
        "tpm_limit": None,
        "spend": 0,
    }, "another duration is another window"
    month_end, week_end = steps["limited_info"]["info"]["budget_reset_at"], changed["budget_reset_at"]
    assert month_end[8:] == "01T00:00:00.000000Z"
    assert week_end.endswith("T00:00:00.000000Z")
    assert datetime.fromisoformat(week_end).weekday() == 0


def test_totals_agree_after_all_that(steps: dict[str, Any]) -> None:
    assert (steps["totals"]["is_balanced"], steps["totals"]["differences"]) == (True, [])


def test_client_blocks_and_unblocks_it(steps: dict[str, Any]) -> None:
    assert (steps["block"]["blocked"], steps["unblock"]["blocked"]) == (True, False)
    assert steps["own_info"]["info"]["blocked"] is False


def test_client_deletes_by_text_and_by_alias(steps: dict[str, Any]) -> None:
    assert steps["delete"]["deleted_keys"] == [steps["generate"]["token"]]
    assert steps["list_after"]["keys"] == []
    assert len(steps["delete_by_alias"]["deleted_keys"]) == 1
    assert steps["refused"], "the client sees its own kind of 401"
