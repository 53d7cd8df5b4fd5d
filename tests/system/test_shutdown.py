"""The end of a gateway: what runs is finished, what is owed is booked."""

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support import faulty_upstream as up
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually, rows

ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}
COST_NANO = 7 * 1000 + 3 * 2000
CALLS = 30


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def gateway(data_dir: Path, upstream: FaultyUpstream) -> Iterator[GatewayProcess]:
    parameters = {
        "model": "openai/m",
        "api_base": f"{upstream.url}/held/v1",
        "api_key": "sk-upstream-key-0001",
        "input_cost_per_token": 0.000001,
        "output_cost_per_token": 0.000002,
    }
    config = {"model_list": [{"model_name": "held", "litellm_params": parameters}], "general_settings": {"master_key": MASTER_KEY}}
    with running_gateway(data_dir, config=json.dumps(config)) as running:
        yield running


def _url(gateway: GatewayProcess) -> str:
    return f"{gateway.base_url}/v1/chat/completions"


def _body(**more: object) -> dict[str, object]:
    return {"model": "held", "messages": [{"role": "user", "content": "Hi"}], **more}


@pytest.mark.promise("booked-once", "exact-money")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stream_that_runs_is_finished_and_booked(number: int, gateway: GatewayProcess, upstream: FaultyUpstream, data_dir: Path) -> None:
    go_on = threading.Event()

    def hold(asked: up.Asked) -> None:
        asked.send(up.CHUNKED, up.piece("Hel"))
        assert go_on.wait(20)
        asked.send(up.piece("lo."), up.END)

    upstream.script("held", hold)
    with httpx.stream("POST", _url(gateway), headers=ADMIN, json=_body(stream=True), timeout=30) as answer:
        pieces = answer.iter_text()
        text = next(pieces)
        gateway.process.send_signal(number)
        assert eventually(lambda: _is_refused(gateway)), "no new connection is taken"
        assert gateway.process.poll() is None
        go_on.set()
        text += "".join(pieces)
    assert text.rstrip().endswith("data: [DONE]")
    assert "lo." in text
    assert gateway.process.wait(20) == 0
    booked = rows(data_dir)
    assert [(row["status"], row["cost_nano"]) for row in booked] == [("ok", COST_NANO)]
    assert "Traceback" not in gateway.output


def _is_refused(gateway: GatewayProcess) -> bool:
    try:
        return httpx.get(f"{gateway.base_url}/health/readiness", timeout=5).status_code == 503
    except httpx.TransportError:
        return True


@pytest.mark.promise("booked-once", "exact-money")
def test_everything_that_was_answered_is_booked_when_the_end_comes_at_once(
    gateway: GatewayProcess, upstream: FaultyUpstream, data_dir: Path
) -> None:
    upstream.script("held", up.good)
    with ThreadPoolExecutor(8) as threads, httpx.Client(headers=ADMIN, timeout=30) as client:
        answers = list(threads.map(lambda number: client.post(_url(gateway), json=_body(stream=number % 2 == 0)), range(CALLS)))
    assert gateway.stop() == 0
    assert [answer.status_code for answer in answers] == [200] * CALLS
    booked = rows(data_dir)
    assert {row["call_id"] for row in booked} == {answer.headers["x-request-id"] for answer in answers}
    assert [row["cost_nano"] for row in booked] == [COST_NANO] * CALLS


@pytest.mark.promise("leaving-cancels")
def test_second_signal_ends_it_without_waiting(gateway: GatewayProcess, upstream: FaultyUpstream, data_dir: Path) -> None:
    upstream.script("held", up.silent(up.CHUNKED, up.piece("Hel")))
    with httpx.stream("POST", _url(gateway), headers=ADMIN, json=_body(stream=True), timeout=30) as answer:
        pieces = answer.iter_text()
        assert "Hel" in next(pieces)
        gateway.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: _is_refused(gateway))
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(10) == 0
        with pytest.raises(httpx.RemoteProtocolError):
            "".join(pieces)
    assert upstream.request("held").ended.wait(5)
    assert [row["status"] for row in rows(data_dir)] == ["cancelled"]
