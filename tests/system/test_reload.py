"""The configuration is read again while calls run: none of them notices, and what is wrong changes nothing."""

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually

pytestmark = pytest.mark.promise("all-or-nothing")

CALLERS = 4
ADMIN = {"Authorization": f"Bearer {MASTER_KEY}"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reload") / "tianji.yaml"


@pytest.fixture(scope="module")
def gateway(upstream: FaultyUpstream, file: Path) -> Iterator[GatewayProcess]:
    file.write_text(_text(upstream, "steady"))
    with running_gateway(file.parent / "data", "--config", str(file)) as running:
        yield running


@pytest.fixture
def client(gateway: GatewayProcess, upstream: FaultyUpstream, file: Path) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as made:
        yield made
        file.write_text(_text(upstream, "steady"))
        made.post("/config/reload").raise_for_status()


def _text(upstream: FaultyUpstream, *names: str, more: str = "") -> str:
    """Return a configuration with these model groups, one a line from line 2 on."""
    key = "api_key: sk-upstream-key-0001"
    entries = [
        f"  - {{model_name: {name}, litellm_params: {{model: openai/m, api_base: {upstream.url}/{name}/v1, {key}}}}}\n" for name in names
    ]
    return f"model_list:\n{''.join(entries)}general_settings:\n  master_key: {MASTER_KEY}\n{more}"


def _call(client: httpx.Client, model: str, *, stream: bool = False) -> httpx.Response:
    return client.post("/v1/chat/completions", json={"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream})


def _names(client: httpx.Client) -> list[str]:
    return [model["id"] for model in client.get("/v1/models").json()["data"]]


def _details(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/health/readiness/details").json()["configuration"]
    return found


@contextmanager
def _load(gateway: GatewayProcess) -> Iterator[None]:
    """Let callers call, one after another, while the block runs; hold that every call succeeded."""
    ended = threading.Event()
    begun = threading.Semaphore(0)

    def caller(number: int) -> list[str]:
        failures = []
        with httpx.Client(base_url=gateway.base_url, headers=ADMIN, timeout=30) as client:
            while not ended.is_set():
                answer = _call(client, "steady", stream=number % 2 == 0)
                begun.release()
                if answer.status_code != 200 or (number % 2 == 0 and not answer.text.rstrip().endswith("[DONE]")):
                    failures.append(f"{answer.status_code} {answer.text}")
        return failures

    with ThreadPoolExecutor(CALLERS) as threads:
        callers = [threads.submit(caller, number) for number in range(CALLERS)]
        try:
            for _ in range(CALLERS):
                assert begun.acquire(timeout=20)
            yield
            for _ in range(CALLERS * 2):
                assert begun.acquire(timeout=20)
        finally:
            ended.set()
        assert [caller.result() for caller in callers] == [[]] * CALLERS


def test_good_file_is_taken_over_under_load(gateway: GatewayProcess, client: httpx.Client, upstream: FaultyUpstream, file: Path) -> None:
    before = _details(client)["digest"]
    with _load(gateway):
        for names in (("steady", "new"), ("steady",), ("new", "steady")):
            file.write_text(_text(upstream, *names))
            answer = client.post("/config/reload")
            assert (answer.status_code, answer.json()["deployments"]) == (200, len(names))
            assert _names(client) == list(names)
            assert _details(client) == {"digest": answer.json()["digest"], "last_reload_error": None}
    assert _details(client)["digest"] != before
    assert _call(client, "new").status_code == 200


def test_same_file_again_changes_nothing(client: httpx.Client) -> None:
    digests = {client.post("/config/reload").json()["digest"] for _ in range(2)}
    assert digests == {_details(client)["digest"]}


@pytest.mark.parametrize(
    ("wrong", "line", "word"),
    [
        ("model_list: ]\n", 1, "not valid YAML"),
        ("model_list:\n  - {model_name: a, litellm_params: {model: nobody/m}}\n", 2, "nobody"),
        ("model_list: []\nrouter_settings:\n  num_retries: many\n", 3, "num_retries"),
        ("model_list: []\ntianji_settings:\n  model_prices_overrides: 7\n", 3, "model_prices_overrides"),
    ],
)
def test_wrong_file_is_refused_with_its_line_under_load(
    wrong: str, line: int, word: str, gateway: GatewayProcess, client: httpx.Client, file: Path
) -> None:
    before = _details(client)["digest"]
    with _load(gateway):
        file.write_text(f"{wrong}general_settings:\n  master_key: {MASTER_KEY}\n")
        answer = client.post("/config/reload")
        message = answer.json()["error"]["message"]
        assert answer.status_code == 409
        assert f"{file}:{line}: " in message
        assert word in message
        details = _details(client)
        assert details["digest"] == before
        assert f"{file}:{line}: " in details["last_reload_error"]
        assert _names(client) == ["steady"]


def test_absent_file_is_refused(client: httpx.Client, file: Path) -> None:
    file.unlink()
    answer = client.post("/config/reload")
    assert answer.status_code == 409
    assert str(file) in answer.json()["error"]["message"]
    assert _names(client) == ["steady"]


def test_change_that_needs_a_restart_is_refused_whole(client: httpx.Client, upstream: FaultyUpstream, file: Path) -> None:
    file.write_text(_text(upstream, "steady", "new", more="  port: 4999\n"))
    answer = client.post("/config/reload")
    assert answer.status_code == 409
    assert f"{file}:6: `general_settings.port` was added, which a reload cannot do" in answer.json()["error"]["message"]
    assert _names(client) == ["steady"], "nothing of it is in force"


def test_changed_master_key_is_refused_and_not_told(client: httpx.Client, upstream: FaultyUpstream, file: Path) -> None:
    other = "sk-another-master-key-987654321"
    file.write_text(_text(upstream, "steady").replace(MASTER_KEY, other))
    answer = client.post("/config/reload")
    assert answer.status_code == 409
    assert "general_settings.master_key" in answer.json()["error"]["message"]
    assert other not in answer.text
    assert client.get("/v1/models", headers={"Authorization": f"Bearer {other}"}).status_code == 401


def test_signal_reloads_too_and_tells_what_is_wrong_in_the_log(
    gateway: GatewayProcess, client: httpx.Client, upstream: FaultyUpstream, file: Path
) -> None:
    with _load(gateway):
        file.write_text(_text(upstream, "steady", "by-signal"))
        gateway.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: _names(client) == ["steady", "by-signal"])
        file.write_text("model_list: 7\n")
        gateway.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: _details(client)["last_reload_error"])
        assert _names(client) == ["steady", "by-signal"]
    lines = [json.loads(line) for line in gateway.output.splitlines() if '"tianji.reload"' in line]
    assert f"{file}:1: " in lines[-1]["reason"]


def test_only_an_administrator_may_reload(gateway: GatewayProcess, client: httpx.Client) -> None:
    key = client.post("/key/generate", json={}).json()["key"]
    with httpx.Client(base_url=gateway.base_url) as caller:
        assert caller.post("/config/reload").status_code == 401
        assert caller.post("/config/reload", headers={"Authorization": f"Bearer {key}"}).status_code == 403


def test_reloads_at_once_leave_one_of_the_files(
    gateway: GatewayProcess, client: httpx.Client, upstream: FaultyUpstream, file: Path
) -> None:
    file.write_text(_text(upstream, "steady", "last"))
    with _load(gateway), ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda _: httpx.post(f"{gateway.base_url}/config/reload", headers=ADMIN).status_code, range(4)))
    assert statuses == [200] * 4
    assert _names(client) == ["steady", "last"]
    assert "Traceback" not in gateway.output
