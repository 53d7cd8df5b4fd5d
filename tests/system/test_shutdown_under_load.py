"""A restart in the middle of the traffic: nobody loses an answer, and what was answered is booked."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import sleep

import anyio
import httpx
import pytest

from support import faulty_upstream as up
from support.faulty_upstream import faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually, rows

CLIENTS = 32
CALLS_BEFORE = 150
CALLS_AFTER = 150
_RETRY_SECONDS = 0.05


def slow(asked: up.Asked) -> None:
    """Answer well, in a time that differs from call to call."""
    pause = Random(len(asked.body) ^ id(asked)).uniform(0.0, 0.05)
    if asked.wants_stream:
        asked.send(up.CHUNKED)
        for word in ("Hel", "lo", "."):
            sleep(pause)
            asked.send(up.piece(word))
        asked.send(up.END)
    else:
        sleep(pause * 3)
        asked.send(up.json_answer(up.COMPLETION))


@dataclass(slots=True)
class Crowd:
    """Clients that call until they are told to stop. They repeat what was refused to connect and what was answered with 503, nothing else.

    Attributes:
        answered: The ids of the calls that were answered whole.
        failed: What else became of calls.
        refused: How often a call was repeated.
    """

    url: str
    answered: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    refused: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    async def run(self) -> None:
        limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
        headers = {"Authorization": f"Bearer {MASTER_KEY}"}
        async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits) as client, anyio.create_task_group() as tasks:
            for number in range(CLIENTS):
                tasks.start_soon(self._call_on, client, number)

    async def _call_on(self, client: httpx.AsyncClient, number: int) -> None:
        while not self.stopped.is_set():
            try:
                answer = await client.post(self.url, json=_body(stream=number % 2 == 0))
            except httpx.ConnectError:
                self.refused += 1
                await anyio.sleep(_RETRY_SECONDS)
                continue
            except httpx.HTTPError as error:
                self.failed.append(repr(error))
                continue
            if answer.status_code == 503:
                self.refused += 1
                await anyio.sleep(_RETRY_SECONDS)
            elif answer.status_code == 200 and _is_whole(answer.text):
                self.answered.append(answer.headers["x-request-id"])
            else:
                self.failed.append(f"{answer.status_code}: {answer.text[-300:]}")


def _body(*, stream: bool) -> dict[str, object]:
    return {"model": "slow", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}


def _is_whole(text: str) -> bool:
    return text.endswith("data: [DONE]\n\n") if text.startswith("data:") else '"usage"' in text


@contextmanager
def calling(url: str) -> Iterator[Crowd]:
    """Let the crowd call until the block ends."""
    crowd = Crowd(url)
    thread = threading.Thread(target=anyio.run, args=(crowd.run,))
    thread.start()
    try:
        yield crowd
    finally:
        crowd.stopped.set()
        thread.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _config(upstream: str) -> str:
    return f"""
model_list:
  - model_name: slow
    litellm_params:
      model: openai/m
      api_base: {upstream}/slow/v1
      api_key: sk-upstream-key-0001
      input_cost_per_token: 0.000001
      output_cost_per_token: 0.000002
general_settings: {{master_key: {MASTER_KEY}, shutdown_delay: 1}}
"""


@pytest.mark.xdist_group("twenty")
@pytest.mark.promise("graceful-shutdown", "booked-once")
def test_restart_under_load_loses_no_answer(tmp_path: Path) -> None:
    data_dir, port = tmp_path / "data", str(_free_port())
    with faulty_upstream() as upstream:
        upstream.script("slow", slow)

        @contextmanager
        def gateway() -> Iterator[GatewayProcess]:
            extra = {"TIANJI_SHUTDOWN_DELAY": ""}
            with running_gateway(data_dir, "--port", port, config=_config(upstream.url), extra=extra) as running:
                yield running

        with gateway() as first, calling(f"{first.base_url}/v1/chat/completions") as crowd:
            assert eventually(lambda: len(crowd.answered) >= CALLS_BEFORE, within_seconds=60)
            first.process.send_signal(signal.SIGTERM)
            with gateway() as second:
                assert first.process.wait(5) == 0
                answered = len(crowd.answered)
                assert eventually(lambda: len(crowd.answered) >= answered + CALLS_AFTER, within_seconds=60)
                crowd.stopped.set()
                assert second.stop() == 0
    assert crowd.failed == []
    booked = rows(data_dir)
    assert {row["status"] for row in booked} == {"ok"}
    assert sorted(row["call_id"] for row in booked) == sorted(crowd.answered)
    assert "Traceback" not in first.output + second.output
