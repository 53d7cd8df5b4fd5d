"""Nothing grows without bound: memory is flat under mixed traffic, queues stay short, and slow clients slow their providers down."""

import itertools
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import linear_regression

import anyio
import httpx
import pytest

from support import faulty_upstream as up
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.figures import FIGURE
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually
from support.metered_upstream import PRICES
from support.postgres import PostgresServer

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
MB = 1 << 20
SHORT_SECONDS = 20.0
LONG_SECONDS = float(os.environ.get("TIANJI_SOAK_SECONDS", "1800"))
CALLERS = 12
WARM_UP_SHARE = 0.4
MOST_MB_PER_10_000_CALLS = 1.0
NOISE_MB = 8.0
"""What caches and the allocator may still take after so short a warm-up; over the long run it is little."""

MOST_WAITING_ROWS = 2_000
SILENT_CLIENTS = 8
SILENT_SECONDS = 3.0
MB_A_SILENT_CLIENT = 5
"""The text of its answer that is kept in case it is cut short, a MiB, and buffers."""

KERNEL_MB = 12
"""What the buffers of two connections on one machine hold at most."""

KINDS = (*("whole",) * 8, *("streamed",) * 6, "left", "slow", "failing", "unknown", "messages", "messages")


@pytest.fixture
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


def _config(upstream: FaultyUpstream) -> str:
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": "openai/gpt-4o-soak",
                "api_base": f"{upstream.url}/{name}/v1",
                "api_key": "sk-upstream-key-0001",
                "max_retries": 0,
                **PRICES,
            },
        }
        for name in ("fine", "failing", "endless")
    ]
    router = {"disable_cooldowns": True}
    return json.dumps(
        {"model_list": models, "router_settings": router, "general_settings": {"master_key": MASTER_KEY, "tokenizer": "eager"}}
    )


@pytest.fixture
def gateway(upstream: FaultyUpstream, postgres_server: PostgresServer, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway on PostgreSQL: with SQLite its own memory would hold up to 2 MB of pages a connection, which fills for a long time."""
    name = anyio.run(postgres_server.create_database)
    with running_gateway(tmp_path / "data", "--database-url", postgres_server.url_of(name), config=_config(upstream)) as running:
        yield running
    anyio.run(postgres_server.drop_database, name)


@dataclass(slots=True)
class Traffic:
    """Callers of all kinds, until they are told to stop.

    Attributes:
        calls: How many have ended.
        failed: What was answered otherwise than it should be.
    """

    url: str
    key: str
    calls: int = 0
    failed: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    async def run(self) -> None:
        """Let them call."""
        limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
        headers = {"Authorization": f"Bearer {self.key}"}
        async with (
            httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60, limits=limits) as client,
            anyio.create_task_group() as tasks,
        ):
            for number in range(CALLERS):
                tasks.start_soon(self._call_on, client, Random(number))

    async def _call_on(self, client: httpx.AsyncClient, random: Random) -> None:
        while not self.stopped.is_set():
            kind = random.choice(KINDS)
            status, wanted = await self._call(client, kind)
            self.calls += 1
            if status != wanted:
                self.failed.append(f"{kind}: {status}")

    async def _call(self, client: httpx.AsyncClient, kind: str) -> tuple[int, int]:
        model = kind if kind == "failing" else "nobody-has-it" if kind == "unknown" else "fine"
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}
        if kind in ("whole", "failing", "unknown"):
            answer = await client.post("/v1/chat/completions", json=body)
            return answer.status_code, {"failing": 502, "unknown": 404}.get(kind, 200)
        path = "/v1/messages" if kind == "messages" else "/v1/chat/completions"
        async with client.stream("POST", path, json={**body, "stream": True}) as stream:
            async for _ in stream.aiter_raw(16 if kind == "slow" else None):
                if kind == "left":
                    break
                if kind == "slow":
                    await anyio.sleep(0.005)
            return stream.status_code, 200


@dataclass(slots=True)
class Sample:
    """A process at one moment."""

    calls: int
    resident_mb: float
    waiting: float
    queued: float


def _resident_mb(gateway: GatewayProcess) -> float:
    pages = int(Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def _gauge(text: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


@dataclass(slots=True)
class Watch:
    """Looks at the gateway, and forgets what the test itself would heap up."""

    gateway: GatewayProcess
    upstream: FaultyUpstream
    traffic: Traffic
    lines: int = 0

    def sample(self) -> Sample:
        """Look once."""
        for asked in self.upstream.asked.values():
            del asked[: len(asked)]
        new = len(self.gateway.lines)
        assert not any("Traceback" in line for line in self.gateway.lines[:new])
        del self.gateway.lines[:new]
        self.lines += new
        text = httpx.get(f"{self.gateway.base_url}/metrics", headers=ADMIN, timeout=30).text
        return Sample(
            self.traffic.calls,
            _resident_mb(self.gateway),
            _gauge(text, "tianji_journal_waiting_rows"),
            _gauge(text, "tianji_calls_queued"),
        )


def _key(gateway: GatewayProcess) -> str:
    limits = {
        "max_budget": 1_000_000,
        "budget_duration": "1d",
        "rpm_limit": 100_000_000,
        "tpm_limit": 10**12,
        "max_parallel_requests": 1_000,
    }
    key: str = httpx.post(f"{gateway.base_url}/key/generate", headers=ADMIN, json=limits).json()["key"]
    return key


@pytest.mark.promise("bounded")
@pytest.mark.parametrize(
    "seconds",
    [SHORT_SECONDS, pytest.param(LONG_SECONDS, marks=[pytest.mark.long, pytest.mark.timeout(LONG_SECONDS + 120)])],
    ids=["short", "long"],
)
def test_memory_is_flat_and_queues_are_short_under_mixed_traffic(
    seconds: float, gateway: GatewayProcess, upstream: FaultyUpstream, record_property: Callable[[str, object], None]
) -> None:
    upstream.script("fine", up.good)
    upstream.script("failing", up.failing(500))
    traffic = Traffic(gateway.base_url, _key(gateway))
    watch, samples = Watch(gateway, upstream, traffic), []
    thread = threading.Thread(target=anyio.run, args=(traffic.run,))
    thread.start()
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(min(1.0, seconds / 40))
            samples.append(watch.sample())
    finally:
        traffic.stopped.set()
        thread.join()
    assert traffic.failed == []
    warm = samples[int(len(samples) * WARM_UP_SHARE) :]
    slope = linear_regression([sample.calls for sample in warm], [sample.resident_mb for sample in warm]).slope
    calls = warm[-1].calls - warm[0].calls
    record_property(
        FIGURE,
        f"{traffic.calls} calls in {seconds:.0f} s; {slope * 10_000:+.2f} MB per 10,000 calls over the last {calls}, "
        f"{warm[-1].resident_mb:.0f} MB at the end; at most {max(sample.waiting for sample in samples):.0f} rows waited",
    )
    assert slope * calls <= MOST_MB_PER_10_000_CALLS * calls / 10_000 + NOISE_MB
    assert max(sample.waiting for sample in samples) <= MOST_WAITING_ROWS
    assert max(sample.queued for sample in samples) == 0
    assert watch.lines <= traffic.calls + CALLERS, "a line a call at most"
    assert eventually(lambda: watch.sample().waiting == 0)


@pytest.mark.promise("bounded", "leaving-cancels")
def test_clients_that_take_nothing_slow_their_providers_down(gateway: GatewayProcess, upstream: FaultyUpstream) -> None:
    sent, ended = itertools.count(), threading.Semaphore(0)
    piece = up.piece("x" * 65_536)
    taken = [0]

    def flood(asked: up.Asked) -> None:
        try:
            asked.send(up.CHUNKED)
            for _ in sent:
                asked.send(piece)
                taken[0] += len(piece)
        except ConnectionError:
            ended.release()

    upstream.script("endless", flood)
    body = json.dumps({"model": "endless", "messages": [{"role": "user", "content": "Hi"}], "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {MASTER_KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    url, before = httpx.URL(gateway.base_url), _resident_mb(gateway)
    silent = [socket.create_connection((url.host, url.port)) for _ in range(SILENT_CLIENTS)]
    try:
        for client in silent:
            client.sendall(head.encode() + body)
        time.sleep(SILENT_SECONDS)
        early, grown = taken[0], _resident_mb(gateway) - before
        time.sleep(SILENT_SECONDS / 3)
        assert taken[0] == early, "providers wait for clients"
        assert early / MB <= KERNEL_MB * SILENT_CLIENTS
        assert grown <= MB_A_SILENT_CLIENT * SILENT_CLIENTS
        assert httpx.get(f"{gateway.base_url}/health/liveness").status_code == 200
    finally:
        for client in silent:
            client.close()
    for _ in silent:
        assert ended.acquire(timeout=10), "the provider is told that its client has gone"
