"""One gateway with priced models behind a provider that can be scripted: callers with keys, readiness, and what is booked."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from support.faulty_upstream import FaultyUpstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.metered_upstream import PRICES, cost_nano

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
COST_NANO = cost_nano(7, 3)
"""Of an answer of `faulty_upstream.good`."""


@dataclass(slots=True)
class House:
    """A gateway and its administrator. `answered`: the ids of the calls that were answered well and whole."""

    gateway: GatewayProcess
    data_dir: Path
    client: httpx.Client
    answered: list[str] = field(default_factory=list)

    def make_key(self, **fields: object) -> str:
        """Return the text of a new key."""
        made = self.client.post("/key/generate", json=fields)
        assert made.status_code == 200, made.text
        key: str = made.json()["key"]
        return key

    def call(self, key: str = MASTER_KEY, model: str = "fine", *, stream: bool = False, **more: object) -> httpx.Response:
        """Make a call; note it where it was answered well."""
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream, **more}
        answer = self.client.post("/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body)
        if answer.status_code == 200 and (answer.text.endswith("data: [DONE]\n\n") or not stream):
            self.answered.append(answer.headers["x-request-id"])
        return answer

    def calls(self, count: int, key: str, *, stream: bool, model: str = "fine") -> list[int]:
        """Make so many calls, four at a time, and return their statuses."""
        with ThreadPoolExecutor(4) as threads:
            return [answer.status_code for answer in threads.map(lambda _: self.call(key, model, stream=stream), range(count))]

    def readiness(self) -> tuple[int, str]:
        """Return the status code and word of readiness."""
        answer = self.client.get("/health/readiness")
        return answer.status_code, answer.json()["status"]

    def details(self) -> dict[str, Any]:
        """Return the details of readiness."""
        found: dict[str, Any] = self.client.get("/health/readiness/details").json()
        return found

    def waiting(self) -> int:
        """Return how many rows are not in the ledger yet."""
        return int(self.details()["unflushed_spend_rows"])

    def gauge(self, name: str) -> float:
        """Return a number of the metrics."""
        found = re.search(rf"^{name} (\S+)$", self.client.get("/metrics").text, re.MULTILINE)
        assert found, name
        return float(found[1])

    def resident_bytes(self) -> int:
        """Return how much memory the process has."""
        return int(Path(f"/proc/{self.gateway.process.pid}/statm").read_text().split()[1]) * 4096

    def spent_nano(self, key: str) -> int:
        """Return what the gateway says that a key has spent."""
        return round(float(self.client.get("/key/info", params={"key": key}).json()["info"]["spend"]) * 1e9)


def models(upstream: FaultyUpstream, *names: str, special: Mapping[str, Mapping[str, object]] | None = None) -> list[dict[str, object]]:
    """Return the entries of models that are asked once each."""
    found: list[dict[str, object]] = []
    for name in names:
        parameters = {"model": "openai/m", "api_base": f"{upstream.url}/{name}/v1", "api_key": "sk-upstream-key-0001", "max_retries": 0}
        found.append({"model_name": name, "litellm_params": {**parameters, **PRICES, **(special or {}).get(name, {})}})
    return found


@contextlib.contextmanager
def running_house(
    data_dir: Path,
    model_list: list[dict[str, object]],
    *arguments: str,
    variant: str | None = None,
    blocks: Mapping[str, object] | None = None,
) -> Iterator[House]:
    """Run a gateway until the block ends. `blocks` are further blocks of its configuration."""
    settings = {"model_list": model_list, "router_settings": {"disable_cooldowns": True}, **(blocks or {})}
    config = json.dumps({**settings, "general_settings": {"master_key": MASTER_KEY}})
    with (
        running_gateway(data_dir, *arguments, config=config, variant=variant) as gateway,
        httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as client,
    ):
        yield House(gateway, data_dir, client)
