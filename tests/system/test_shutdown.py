"""The end of a gateway: what runs is finished, what is owed is booked."""

import json
import signal
import socket
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
def variables() -> dict[str, str]:
    """The gateway's own environment; without anything in it there is no delay."""
    return {}


@pytest.fixture
def gateway(data_dir: Path, upstream: FaultyUpstream, variables: dict[str, str]) -> Iterator[GatewayProcess]:
    parameters = {
        "model": "openai/m",
        "api_base": f"{upstream.url}/held/v1",
        "api_key": "sk-upstream-key-0001",
        "input_cost_per_token": 0.000001,
        "output_cost_per_token": 0.000002,
    }
    config = {"model_list": [{"model_name": "held", "litellm_params": parameters}], "general_settings": {"master_key": MASTER_KEY}}
    with running_gateway(data_dir, config=json.dumps(config), extra=variables) as running:
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
        rest = "".join(pieces)
        assert gateway.process.wait(20) == 0
    assert '"code":"shutting_down"' in rest
    assert "[DONE]" not in rest
    assert upstream.request("held").ended.wait(5)
    assert [row["status"] for row in rows(data_dir)] == ["error"]


@pytest.mark.promise("graceful-shutdown")
@pytest.mark.parametrize("variables", [{"TIANJI_SHUTDOWN_DELAY": "600"}])
def test_everything_is_served_until_the_delay_is_over_and_readiness_says_that_it_ends(
    gateway: GatewayProcess, upstream: FaultyUpstream, data_dir: Path
) -> None:
    upstream.script("held", up.good)
    with httpx.Client(headers=ADMIN, timeout=30) as client:
        assert "connection" not in client.post(_url(gateway), json=_body()).headers
        gateway.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: client.get(f"{gateway.base_url}/health/readiness").status_code == 503)
        answers = [client.post(_url(gateway), json=_body(stream=stream)) for stream in (False, True)]
        assert [(answer.status_code, answer.headers["connection"]) for answer in answers] == [(200, "close")] * 2
        assert client.get(f"{gateway.base_url}/health/liveliness").status_code == 200
    assert gateway.process.poll() is None
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(20) == 0
    assert [row["status"] for row in rows(data_dir)] == ["ok"] * 3


@pytest.mark.promise("graceful-shutdown", "own-words")
@pytest.mark.parametrize("variables", [{"TIANJI_SHUTDOWN_GRACE": "0.5"}])
def test_what_outlasts_the_grace_is_cut_in_its_own_words_and_booked(
    gateway: GatewayProcess, upstream: FaultyUpstream, data_dir: Path
) -> None:
    upstream.script("held", up.silent(up.CHUNKED, up.piece("Hel")))
    with ThreadPoolExecutor(2) as threads, httpx.Client(headers=ADMIN, timeout=30) as client:
        stream = threads.submit(client.post, _url(gateway), json=_body(stream=True))
        upstream.request("held", 0)
        upstream.script("held", up.silent())
        whole = threads.submit(client.post, _url(gateway), json=_body())
        upstream.request("held", 0)
        gateway.process.send_signal(signal.SIGTERM)
        cut, refused = stream.result(), whole.result()
    assert (cut.status_code, refused.status_code) == (200, 503)
    assert "Hel" in cut.text
    assert '"code":"shutting_down"' in cut.text
    assert "[DONE]" not in cut.text
    error = refused.json()["error"]
    assert (error["type"], error["code"], refused.headers["retry-after"]) == ("overloaded_error", "shutting_down", "1")
    assert gateway.process.wait(20) == 0
    assert [row["status"] for row in rows(data_dir)] == ["error"] * 2
    assert "Traceback" not in gateway.output


@pytest.mark.promise("graceful-shutdown")
def test_connection_that_is_new_when_the_end_comes_is_served(gateway: GatewayProcess, upstream: FaultyUpstream, data_dir: Path) -> None:
    upstream.script("held", up.good)
    body = json.dumps(_body()).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: {ADMIN['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    address = httpx.URL(gateway.base_url)
    with socket.create_connection((address.host, address.port or 0), timeout=30) as client:
        gateway.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: "the end was asked for" in gateway.output)
        client.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer
    assert gateway.process.wait(20) == 0
    assert [row["status"] for row in rows(data_dir)] == ["ok"]
