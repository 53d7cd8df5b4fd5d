"""More than a process may carry: it says so, in the words of each API, and goes on."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support import faulty_upstream as up
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
BODY = {"model": "held", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}
FLOOD = 300
LONG = "x" * 300_000


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: FaultyUpstream) -> Iterator[GatewayProcess]:
    """A gateway that carries one call, and lets one wait."""
    parameters = {"model": "openai/m", "api_base": f"{upstream.url}/held/v1", "api_key": "sk-upstream-key-0001"}
    config = {
        "model_list": [{"model_name": "held", "litellm_params": parameters}],
        "general_settings": {"master_key": MASTER_KEY, "max_in_flight": 1, "max_queued": 1},
    }
    data_dir: Path = tmp_path_factory.mktemp("overload") / "data"
    with running_gateway(data_dir, config=json.dumps(config)) as running:
        yield running


@pytest.fixture
def go_on(upstream: FaultyUpstream) -> Iterator[threading.Event]:
    """Calls are answered when it is set."""
    event = threading.Event()

    def hold(asked: up.Asked) -> None:
        assert event.wait(30)
        up.good(asked)

    upstream.script("held", hold)
    yield event
    event.set()


def _gauge(gateway: GatewayProcess, name: str) -> float:
    text = httpx.get(f"{gateway.base_url}/metrics", headers=ADMIN, timeout=30).text
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def _wait(gateway: GatewayProcess, *, in_flight: int, queued: int) -> None:
    wanted = (in_flight, queued)
    assert eventually(lambda: (_gauge(gateway, "tianji_calls_in_flight"), _gauge(gateway, "tianji_calls_queued")) == wanted)


class Caller(threading.Thread):
    """Makes one call."""

    def __init__(self, gateway: GatewayProcess) -> None:
        super().__init__()
        self.url = f"{gateway.base_url}/v1/chat/completions"
        self.status = 0
        self.start()

    def run(self) -> None:
        self.status = httpx.post(self.url, headers=ADMIN, json=BODY, timeout=60).status_code


@pytest.mark.promise("overload-told", "own-words")
def test_call_beyond_the_queue_is_refused_in_its_own_words_and_health_is_not(gateway: GatewayProcess, go_on: threading.Event) -> None:
    callers = [Caller(gateway)]
    _wait(gateway, in_flight=1, queued=0)
    callers.append(Caller(gateway))
    _wait(gateway, in_flight=1, queued=1)
    openai = httpx.post(f"{gateway.base_url}/v1/chat/completions", headers=ADMIN, json=BODY, timeout=30)
    anthropic = httpx.post(f"{gateway.base_url}/v1/messages", headers=ADMIN, json=BODY, timeout=30)
    assert (openai.status_code, anthropic.status_code) == (503, 529)
    assert openai.headers["retry-after"] == anthropic.headers["retry-after"] == "1"
    assert (openai.json()["error"]["type"], openai.json()["error"]["code"]) == ("overloaded_error", "overloaded")
    assert anthropic.json()["error"]["type"] == "overloaded_error"
    for path in ("/health/liveliness", "/health/readiness", "/key/list", "/v1/models"):
        assert httpx.get(gateway.base_url + path, headers=ADMIN, timeout=30).status_code == 200
    go_on.set()
    for caller in callers:
        caller.join()
    assert [caller.status for caller in callers] == [200, 200]


@pytest.mark.promise("overload-told")
def test_body_that_nobody_reads_does_not_break_the_refusal_nor_the_connection(gateway: GatewayProcess, go_on: threading.Event) -> None:
    callers = [Caller(gateway)]
    _wait(gateway, in_flight=1, queued=0)
    callers.append(Caller(gateway))
    _wait(gateway, in_flight=1, queued=1)
    with httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as client:
        for _ in range(3):
            assert client.post("/v1/chat/completions", json={**BODY, "user": LONG}).status_code == 503
    go_on.set()
    for caller in callers:
        caller.join()


@pytest.mark.promise("overload-told", "leaving-cancels")
def test_client_that_leaves_leaves_the_queue(gateway: GatewayProcess, go_on: threading.Event, upstream: FaultyUpstream) -> None:
    caller = Caller(gateway)
    _wait(gateway, in_flight=1, queued=0)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{gateway.base_url}/v1/chat/completions", headers=ADMIN, json=BODY, timeout=0.5)
    _wait(gateway, in_flight=1, queued=0)
    go_on.set()
    caller.join()
    assert caller.status == 200
    assert len(upstream.asked["held"]) == 1


@pytest.mark.promise("overload-told")
def test_flood_of_refusals_is_no_flood_of_lines(gateway: GatewayProcess, go_on: threading.Event) -> None:
    callers = [Caller(gateway)]
    _wait(gateway, in_flight=1, queued=0)
    callers.append(Caller(gateway))
    _wait(gateway, in_flight=1, queued=1)
    assert eventually(lambda: _told(gateway) == _gauge(gateway, "tianji_refused_calls_total"))
    written, counted, told = _lines(gateway), _gauge(gateway, "tianji_refused_calls_total"), _told(gateway)
    with httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as client:
        for _ in range(FLOOD):
            assert client.post("/v1/chat/completions", json=BODY).status_code == 503
    assert _gauge(gateway, "tianji_refused_calls_total") - counted == FLOOD
    assert eventually(lambda: _told(gateway) - told == FLOOD)
    assert _lines(gateway) - written < FLOOD
    go_on.set()
    for caller in callers:
        caller.join()


def _lines(gateway: GatewayProcess) -> int:
    """Return how many refused calls have a line."""
    return sum('"status":"error"' in line or '"status":"cancelled"' in line for line in gateway.lines)


def _told(gateway: GatewayProcess) -> int:
    """Return of how many refused calls the log tells, one by one or in sum."""
    return _lines(gateway) + sum(int(number) for number in re.findall(r'"left_out":(\d+)', gateway.output))
