"""Clients that vanish at any point of a stream: their provider's connection closes, what was produced is billed, nothing is left behind."""

import json
import re
import select
import signal
import socket
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from support import faulty_upstream as up
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.figures import FIGURE
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually, rows
from support.metered_upstream import PRICES, WORD
from support.variants import TASKS

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
CLIENTS = 16
PIECES = 200
PIECE_SECONDS = 0.01
LONGEST_STAY_SECONDS = 0.6
CANCEL_SECONDS = 0.1
LOADED = 10
"""By how much a machine that does other things as well may be slower."""

MAX_TOKENS = 1_000
BUDGET_USD = 10.0
SPARE_NANO = 1_000_000
"""Less than one call holds, and more than the bound of the call that asks what is left."""


@dataclass(slots=True)
class Seen:
    """What the provider saw of one stream: how many pieces it had sent, and when its client had gone (monotonic seconds)."""

    sent: int = 0
    gone_at: float | None = None


@dataclass(slots=True)
class Talker:
    """A provider that talks on and on, and listens for its client's end after every word."""

    seen: dict[str, Seen] = field(default_factory=dict)
    limits: list[int] = field(default_factory=list)

    def act(self, asked: up.Asked) -> None:
        """Answer one request; the caller's own text says which one it is."""
        body = json.loads(asked.body)
        name = _text(body["messages"][0]["content"])
        self.limits.append(int(body.get("max_tokens") or body.get("max_completion_tokens") or 0))
        if not body.get("stream"):
            asked.send(up.json_answer(up.COMPLETION))
            return
        seen = self.seen.setdefault(name, Seen())
        try:
            asked.send(up.CHUNKED)
            for _ in range(PIECES):
                if _is_gone(asked.socket, PIECE_SECONDS):
                    break
                asked.send(up.piece(WORD))
                seen.sent += 1
        except ConnectionError:
            pass
        seen.gone_at = time.monotonic()


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _is_gone(connection: socket.socket, seconds: float) -> bool:
    readable, _, _ = select.select([connection], [], [], seconds)
    return bool(readable) and not connection.recv(1)


@dataclass(slots=True)
class Leaver:
    """One client: what it had read when it left, and when that was."""

    name: str
    read: bytes = b""
    left_at: float = 0.0

    @property
    def words(self) -> int:
        """How many words it has read."""
        return self.read.count(WORD.encode())


def _leave(url: httpx.URL, key: str, number: int, run: str) -> Leaver:
    """Ask for a stream, and be gone after a while: properly, or as a process that died."""
    random, leaver = Random(f"{run}-{number}"), Leaver(f"{run}-{number}")
    path = "/v1/messages" if number % 3 == 0 else "/v1/chat/completions"
    body = {"model": "talker", "messages": [{"role": "user", "content": leaver.name}], "stream": True, "max_tokens": MAX_TOKENS}
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(data)}\r\n"
    head += f"x-tianji-call-id: {leaver.name}\r\n\r\n"
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(head.encode() + data)
        until = time.monotonic() + random.uniform(0.0, LONGEST_STAY_SECONDS)
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            with suppress(TimeoutError):
                leaver.read += connection.recv(65536)
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        leaver.left_at = time.monotonic()
    return leaver


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(scope="module")
def talker(upstream: FaultyUpstream) -> Talker:
    made = Talker()
    upstream.script("talker", made.act)
    return made


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("leaving") / "data"


@pytest.fixture(scope="module")
def gateway(talker: Talker, upstream: FaultyUpstream, data_dir: Path) -> Iterator[GatewayProcess]:
    parameters = {"model": "openai/gpt-4o-talker", "api_base": f"{upstream.url}/talker/v1", "api_key": "sk-upstream-key-0001", **PRICES}
    model = {"model_name": "talker", "litellm_params": parameters, "model_info": {"max_output_tokens": 100_000_000}}
    general = {"master_key": MASTER_KEY, "tokenizer": "eager"}
    config = json.dumps({"model_list": [model], "general_settings": general})
    with running_gateway(data_dir, config=config, variant="counting-tasks") as running:
        yield running


@dataclass(slots=True)
class Gauges:
    """What a process holds at a moment."""

    descriptors: int
    tasks: int
    in_flight: float

    @classmethod
    def of(cls, gateway: GatewayProcess) -> "Gauges":
        """Look at a process; this look's own connection is no longer there."""
        text = httpx.get(f"{gateway.base_url}/metrics", headers=ADMIN, timeout=30).text
        found = re.search(r"^tianji_calls_in_flight (\S+)$", text, re.MULTILINE)
        assert found
        before = len(gateway.lines)
        gateway.process.send_signal(signal.SIGUSR2)
        told = eventually(lambda: [line for line in gateway.lines[before:] if line.startswith(TASKS)])
        tasks = int(told[0].removeprefix(TASKS))
        return cls(len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir())), tasks, float(found[1]))

    def is_within(self, other: "Gauges") -> bool:
        """Whether this is no more than the other."""
        return self.descriptors <= other.descriptors and self.tasks <= other.tasks and self.in_flight <= other.in_flight


def _key(gateway: GatewayProcess) -> str:
    made = httpx.post(
        f"{gateway.base_url}/key/generate", headers=ADMIN, json={"max_budget": BUDGET_USD, "max_parallel_requests": 2 * CLIENTS}
    )
    key: str = made.json()["key"]
    return key


def _left_nano(gateway: GatewayProcess, key: str, talker: Talker) -> int:
    """Return what is left of a budget as admission sees it: the longest answer that it lets a call have, who asks for the longest."""
    body = {"model": "talker", "messages": [{"role": "user", "content": "What is left?"}]}
    answer = httpx.post(f"{gateway.base_url}/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-tianji-warning"] == "output limited by budget"
    return round(talker.limits[-1] * PRICES["output_cost_per_token"] * 1e9)


def _all_gone(talker: Talker) -> bool:
    return all(seen.gone_at is not None for seen in list(talker.seen.values()))


def _resting(gateway: GatewayProcess) -> Gauges | None:
    """Return what a process without calls holds, once that is the same twice."""
    first, second = Gauges.of(gateway), Gauges.of(gateway)
    return first if first == second and not first.in_flight else None


def _check_bills(asked: list[Leaver], talker: Talker, booked: dict[str, dict[str, Any]]) -> None:
    """Check that each call is booked once, for what its client had read at least and what the provider had sent at most."""
    assert booked.keys() >= {leaver.name for leaver in asked}
    assert not any(row["cost_nano"] for row in booked.values() if row["upstream_started_at"] is None)
    for leaver in asked:
        row = booked[leaver.name]
        assert (row["status"], row["usage_source"]) == ("cancelled", "estimated")
        assert leaver.words <= row["output_text_tokens"] <= talker.seen[leaver.name].sent
        assert row["cost_nano"] == row["input_text_tokens"] * 1_000 + row["output_text_tokens"] * 2_000


@pytest.mark.promise("leaving-cancels", "exact-money")
@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_clients_that_vanish_cost_what_was_produced_and_leave_nothing_behind(
    count: int, gateway: GatewayProcess, talker: Talker, data_dir: Path, record_property: Callable[[str, object], None]
) -> None:
    run, key, url = f"run-of-{count}", _key(gateway), httpx.URL(gateway.base_url)
    _left_nano(gateway, key, talker)
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(lambda number: _leave(url, key, number, f"before-{run}"), range(CLIENTS)))
    assert eventually(lambda: _all_gone(talker), within_seconds=10)
    before = eventually(lambda: _resting(gateway), within_seconds=10)
    assert before

    with ThreadPoolExecutor(CLIENTS) as threads:
        leavers = list(threads.map(lambda number: _leave(url, key, number, run), range(count)))
    assert eventually(lambda: _all_gone(talker), within_seconds=10)
    asked = [leaver for leaver in leavers if leaver.name in talker.seen]
    delays = sorted(max(0.0, (talker.seen[leaver.name].gone_at or 0.0) - leaver.left_at) for leaver in asked)
    middle, late, most = statistics.median(delays), delays[len(delays) * 19 // 20], delays[-1]
    record_property(
        FIGURE,
        f"{len(leavers)} left, {len(asked)} upstream; "
        f"the provider saw it after {middle * 1000:.0f} ms, of 95 % after {late * 1000:.0f} ms, after {most * 1000:.0f} ms at most",
    )
    assert middle <= CANCEL_SECONDS
    assert late <= CANCEL_SECONDS * LOADED
    assert len(asked) > count // 2

    assert eventually(lambda: Gauges.of(gateway).is_within(before), within_seconds=10), (before, Gauges.of(gateway))
    assert eventually(lambda: {row["client_call_id"] for row in rows(data_dir)} >= {leaver.name for leaver in asked})
    booked = [row for row in rows(data_dir, status="cancelled") if row["client_call_id"].startswith(f"{run}-")]
    assert len({row["client_call_id"] for row in booked}) == len(booked)
    _check_bills(asked, talker, {row["client_call_id"]: row for row in booked})
    spent = round(httpx.get(f"{gateway.base_url}/key/info", headers=ADMIN, params={"key": key}).json()["info"]["spend"] * 1e9)
    left = round(BUDGET_USD * 1e9) - spent - _left_nano(gateway, key, talker)
    assert 0 <= left <= SPARE_NANO, "nothing of the budget is held any more"
    assert "Traceback" not in gateway.output
