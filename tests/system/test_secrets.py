"""Secrets of every kind are planted, calls succeed and fail in every way, and nothing that the process says holds one of them."""

import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import httpx
import pytest

from support import faulty_upstream as up
from support.fault_server import refused_url
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import GatewayProcess, running_gateway
from support.ledger import eventually
from support.postgres import PostgresServer

pytestmark = pytest.mark.promise("no-secret-leaves")

SECRETS = {
    "master key": "sk-mmmm-master-0123456789abcdef",
    "provider key in the file": "provider-key-pppp-0123456789",
    "provider key of the environment": "provider-key-eeee-0123456789",
    "header of a deployment": "header-hhhh-0123456789",
    "password in a base URL": "base-url-bbbb-0123456789",
    "password of a proxy": "proxy-xxxx-0123456789",
    "environment_variables": "variable-vvvv-0123456789",
    "metrics token": "metrics-tttt-0123456789",
    "credential_list": "credential-cccc-0123456789",
    "key of a caller's own": "sk-own-oooo-0123456789abcdef",
    "key that nobody has": "sk-nobody-nnnn-0123456789abcdef",
    "key in a query": "sk-query-qqqq-0123456789abcdef",
    "key that is none": "not-a-key-kkkk-0123456789 with blanks",
    "chosen key": "sk-chosen-ssss-0123456789abcdef",
    "prompt": "a prompt that nobody else may read",
    "bearer in a provider's words": "bearer-of-the-provider-wwww-012345",
}
BEARER = SECRETS["bearer in a provider's words"]
DELETED = "sk-deleted-dddd-0123456789abcdef"


def _config(url: str, database: str) -> str:
    key = {"api_key": SECRETS["provider key in the file"], "max_retries": 0}
    base = url.removeprefix("http://")
    entries = {
        "fine": {**key, "api_base": f"{url}/fine/v1", "extra_headers": {"x-secret": SECRETS["header of a deployment"]}},
        "quoting": {**key, "api_base": f"{url}/quoting/v1"},
        "quoting-stream": {**key, "api_base": f"{url}/quoting-stream/v1"},
        "html": {**key, "api_base": f"{url}/html/v1"},
        "cut": {**key, "api_base": f"{url}/cut/v1"},
        "environment": {"api_key": "os.environ/PLANTED_KEY", "api_base": refused_url(), "max_retries": 0},
        "password": {**key, "api_base": f"http://user:{SECRETS['password in a base URL']}@{base}/password/v1"},
        "password-refused": {**key, "api_base": f"http://user:{SECRETS['password in a base URL']}@{refused_url()[7:]}"},
        "proxy": {**key, "api_base": f"{url}/proxy/v1", "proxy": f"http://user:{SECRETS['password of a proxy']}@{refused_url()[7:-8]}"},
        "named": {"tianji_credential_name": "one", "api_base": f"{url}/quoting/v1", "max_retries": 0},
        "own": {**key, "api_base": f"{url}/quoting/v1", "configurable_clientside_auth_params": ["api_key", "api_base"]},
    }
    return json.dumps(
        {
            "environment_variables": {"PLANTED_VARIABLE": SECRETS["environment_variables"]},
            "credential_list": [{"credential_name": "one", "credential_values": {"api_key": SECRETS["credential_list"]}}],
            "model_list": [{"model_name": name, "litellm_params": {"model": "openai/m", **given}} for name, given in entries.items()],
            "general_settings": {
                "master_key": SECRETS["master key"],
                "metrics_token": SECRETS["metrics token"],
                "database_url": database,
            },
        },
        indent=1,
    )


def _quoting(asked: up.Asked) -> None:
    """Fail as some providers do: with the credential in the words."""
    credential = next(line for line in asked.head.splitlines() if line.lower().startswith("authorization"))
    key = credential.rpartition(" ")[2]
    words = f"Incorrect API key provided: {key}. You sent {credential}; try Bearer {BEARER}"
    asked.send(up.json_answer({"error": {"message": words, "type": "invalid_request_error", "code": "invalid_api_key"}}, 401))


def _quoting_in_stream(asked: up.Asked) -> None:
    key = next(line for line in asked.head.splitlines() if line.lower().startswith("authorization")).rpartition(" ")[2]
    asked.send(up.CHUNKED, up.piece("Hel"), up.sse({"error": {"message": f"the key {key} has no money left", "code": 402}}), up.END)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        server.script("quoting", _quoting)
        server.script("quoting-stream", _quoting_in_stream)
        server.script("html", up.saying(up.whole(b"<html>no</html>", 200, "Content-Type: text/html")))
        server.script("cut", up.saying(up.CHUNKED, up.piece("Hel")))
        yield server


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    name = anyio.run(lambda: postgres_server.create_database(empty=True))
    yield postgres_server.url_of(name)
    anyio.run(postgres_server.drop_database, name)


@pytest.fixture(scope="module")
def planted(database: str) -> dict[str, str]:
    """Every secret, the database's password among them."""
    return {**SECRETS, "password of the database": database.split(":")[2].partition("@")[0]}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, upstream: FaultyUpstream, database: str) -> Path:
    made = tmp_path_factory.mktemp("secrets") / "tianji.yaml"
    made.write_text(_config(upstream.url, database))
    return made


@pytest.fixture(scope="module")
def gateway(file: Path) -> Iterator[GatewayProcess]:
    extra = {"PLANTED_KEY": SECRETS["provider key of the environment"]}
    with running_gateway(file.parent / "data", "--config", str(file), extra=extra) as running:
        yield running


def _body(model: str, **more: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": SECRETS["prompt"]}], "max_tokens": 5, **more}


@pytest.fixture(scope="module")
def answers(gateway: GatewayProcess, file: Path) -> list[httpx.Response]:
    """Everything that was answered, to good and to bad requests."""
    seen: list[httpx.Response] = []
    admin = {"authorization": f"Bearer {SECRETS['master key']}"}
    with httpx.Client(base_url=gateway.base_url, timeout=30) as client:

        def ask(method: str, path: str, headers: dict[str, str] = admin, **given: object) -> httpx.Response:
            answer = client.request(method, path, headers=headers, **given)  # type: ignore[arg-type]
            seen.append(answer)
            return answer

        assert ask("POST", "/v1/chat/completions", json=_body("fine")).status_code == 200
        assert ask("POST", "/v1/messages", json=_body("fine", stream=True)).status_code == 200
        own = SECRETS["key of a caller's own"]
        ask("POST", "/v1/chat/completions", json=_body("fine", api_key=own))
        ask("POST", "/v1/chat/completions", json=_body("own", api_key=own))
        ask("POST", "/v1/chat/completions", json=_body("own", api_key=own, api_base=f"http://user:{own}@127.0.0.1:1/"))
        groups = ("quoting", "html", "environment", "password", "password-refused", "proxy", "named", "own")
        for model in groups:
            for path in ("/v1/chat/completions", "/v1/messages", "/v1/completions", "/v1/embeddings"):
                ask("POST", path, json=_body(model, prompt="p", input="i"))
        for model in ("cut", "quoting-stream"):
            ask("POST", "/v1/chat/completions", json=_body(model, stream=True))
            ask("POST", "/v1/messages", json=_body(model, stream=True))
        for credential in ("key that nobody has", "key that is none"):
            for header in ("authorization", "x-api-key", "api-key", "x-goog-api-key"):
                ask(
                    "POST",
                    "/v1/chat/completions",
                    {header: f"{'Bearer ' if header[0] == 'a' else ''}{SECRETS[credential]}"},
                    json=_body("fine"),
                )
        ask("GET", "/v1/models", {}, params={"key": SECRETS["key in a query"]})
        ask("GET", "/key/info", params={"key": SECRETS["key in a query"]})
        ask("POST", "/key/delete", json={"keys": [SECRETS["key in a query"]]})
        ask("POST", "/key/update", json={"key": SECRETS["key in a query"], "models": 7})
        ask("POST", "/v1/chat/completions", content=f'{{"api_key": "{own}", "model": '.encode())
        ask("POST", "/v1/chat/completions", json={"model": 7, "messages": SECRETS["prompt"], "api_key": own})
        assert ask("POST", "/key/generate", json={"key": DELETED, "key_alias": "gone"}).status_code == 200
        seen.pop()  # the one answer that shows a key
        ask("POST", "/key/generate", json={"key": DELETED, "key_alias": "again"})
        ask("POST", "/key/delete", json={"keys": [DELETED]})
        assert ask("POST", "/key/generate", json={"key": SECRETS["chosen key"], "metadata": {"a": 1}}).status_code == 200
        seen.pop()
        ask("POST", "/v1/chat/completions", {"authorization": f"Bearer {SECRETS['chosen key']}"}, json=_body("fine"))
        ask("GET", "/key/info", {"authorization": f"Bearer {SECRETS['chosen key']}"})
        ask("GET", "/key/list", params={"return_full_object": "true"})
        ask("GET", "/metrics", {"authorization": f"Bearer {SECRETS['metrics token']}"})
        ask("GET", "/metrics", {"authorization": f"Bearer {SECRETS['key that nobody has']}"})
        ask("GET", "/health")
        ask("GET", "/openapi.json")
        ask("GET", "/v1/models")
        text = file.read_text()
        for wrong in (
            text.replace('"api_base"', '"api_baze"'),
            text.replace('"master_key": "sk-', '"master_key": "sk-2'),
            text[: len(text) // 2],
        ):
            file.write_text(wrong)
            ask("POST", "/config/reload")
            gateway.process.send_signal(signal.SIGHUP)
            ask("GET", "/health/readiness/details")
        file.write_text(text)
        ask("POST", "/config/reload").raise_for_status()
        with suppress(httpx.ReadTimeout):
            client.post("/v1/chat/completions", headers=admin, json=_body("fine"), timeout=0.001)
        assert eventually(lambda: gateway.output.count('"event":"call"') > 50)
    return seen


def test_requests_were_of_every_kind(answers: list[httpx.Response]) -> None:
    statuses = {answer.status_code for answer in answers}
    assert {200, 400, 401, 404, 409, 422, 502} <= statuses, statuses
    assert max(statuses) < 505
    assert 500 not in statuses


def test_no_answer_holds_a_secret(answers: list[httpx.Response], planted: dict[str, str]) -> None:
    for what, secret in planted.items():
        told = [
            f"{answer.request.method} {answer.request.url.path} {answer.status_code} {answer.text[:600]}"
            for answer in answers
            if secret in answer.text + str(answer.headers)
        ]
        assert told == [], what


def test_nothing_that_the_process_wrote_holds_a_secret(
    answers: list[httpx.Response], gateway: GatewayProcess, planted: dict[str, str]
) -> None:
    said = gateway.banner + gateway.output
    assert '"event":"call"' in said
    for what, secret in {**planted, "deleted key": DELETED}.items():
        told = [line for line in said.splitlines() if secret in line]
        assert told == [], what


def test_secrets_did_reach_those_who_need_them(answers: list[httpx.Response], upstream: FaultyUpstream) -> None:
    """Without this the other tests would hold for a gateway that has lost them."""
    head = upstream.asked["fine"][0].head
    assert SECRETS["provider key in the file"] in head
    assert SECRETS["header of a deployment"] in head
    assert any(SECRETS["credential_list"] in asked.head for asked in upstream.asked["quoting"])
    assert any(SECRETS["key of a caller's own"] in asked.head for asked in upstream.asked["quoting"])


def test_no_test_of_this_met_a_bug(answers: list[httpx.Response], gateway: GatewayProcess) -> None:
    assert answers
    assert "Traceback" not in gateway.output
