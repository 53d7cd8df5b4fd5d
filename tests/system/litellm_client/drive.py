"""Drives a gateway with LiteLLM's proxy client and prints what came back, as JSON. Runs in the client's own environment.

Usage: drive.py BASE_URL MASTER_KEY
"""

import json
import sys
from typing import Any

from litellm.proxy.client import Client, UnauthorizedError  # type: ignore[import-not-found,unused-ignore]


def drive(client: Client, base_url: str) -> dict[str, Any]:
    """Create, list, read, change, block, unblock and delete one key; return every answer by its step."""
    made = client.keys.generate(
        models=["gpt-5*"],
        aliases={"fast": "gpt-5-nano"},
        spend=1.5,
        duration="24h",
        key_alias="from-litellm",
        team_id="red",
        user_id="ada",
        config={},
    )
    key = made["key"]
    steps: dict[str, Any] = {
        "generate": made,
        "list": client.keys.list(page=1, size=10, user_id="ada", return_full_object=True, include_team_keys=True),
        "list_hashes": client.keys.list(key_alias="from-litellm"),
        "info": client.keys.info(key),
        "info_by_hash": client.keys.info(made["token"]),
        "update": client.keys.update(key, models=["gpt-5-nano"], spend=0.25, duration="7d", key_alias="renamed", user_id="bob"),
        "block": client.http.request("POST", "/key/block", json={"key": key}),
        "unblock": client.http.request("POST", "/key/unblock", json={"key": key}),
        "own_info": Client(base_url, api_key=key).keys.info(key),
        "delete": client.keys.delete(keys=[key]),
        "list_after": client.keys.list(),
    }
    steps |= _limit(client)
    second = client.keys.generate(key_alias="second")
    steps["delete_by_alias"] = client.keys.delete(key_aliases=["second"])
    steps["refused"] = _refused(base_url, second["key"])
    return steps


def _limit(client: Client) -> dict[str, Any]:
    """Give a key limits and change them; the client has no words for them, so they go by its plain requests."""
    limits = {"max_budget": 10.5, "soft_budget": 8.0, "budget_duration": "30d", "rpm_limit": 60, "tpm_limit": 1000, "spend": 1.5}
    made = client.http.request("POST", "/key/generate", json={**limits, "max_parallel_requests": 4, "key_alias": "limited"})
    info, listed = client.keys.info(made["key"]), client.keys.list(key_alias="limited", return_full_object=True)
    changes = {"max_budget": 20, "soft_budget": None, "budget_duration": "7d", "tpm_limit": None}
    changed = client.http.request("POST", "/key/update", json={"key": made["key"], **changes})
    totals = client.http.request("GET", "/spend/reconcile")
    return {"limited": made, "limited_info": info, "limited_list": listed, "limit_changed": changed, "totals": totals}


def _refused(base_url: str, key: str) -> bool:
    try:
        Client(base_url, api_key=key).keys.info(key)
    except UnauthorizedError:
        return True
    return False


if __name__ == "__main__":
    print(json.dumps(drive(Client(sys.argv[1], api_key=sys.argv[2]), sys.argv[1])))
