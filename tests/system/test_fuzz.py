"""Whatever bytes arrive at a route are answered: never a status of 500 that bytes alone caused, never an exception that nobody foresaw."""

import copy
import json
import os
import random
import socket
import string
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import faulty_upstream as up
from support import recordings
from support.faulty_upstream import FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway

pytestmark = pytest.mark.promise("bad-input-answered")

EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
    "model": "m",
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}
TEXT = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "text": "Hello.", "finish_reason": "stop", "logprobs": None}],
    "usage": up.USAGE,
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
CORPUS: tuple[dict[str, Any], ...] = (
    {"model": "fine", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}], "stream": True},
    {
        "model": "fine",
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
            },
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "2"},
        ],
        "tools": [TOOL],
        "tool_choice": "auto",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
        "stop": ["a", "b"],
        "temperature": 0.5,
        "metadata": {"tags": ["x"]},
        "user": "u",
    },
    {
        "model": "fine",
        "max_tokens": 10,
        "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "2"}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
    {"model": "fine", "prompt": ["Once", "upon"], "max_tokens": 5, "logprobs": 1, "stream": False},
    {"model": "fine", "input": ["a", "b"], "encoding_format": "float", "dimensions": 2},
    {
        "key_alias": "a",
        "models": ["*"],
        "duration": "30d",
        "metadata": {"a": 1},
        "tags": ["t"],
        "keys": ["sk-x"],
        "key": "sk-x-0123456789abcdef",
    },
)

odd_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 2**64, -(2**63), 10**400, 1e308, -0.0, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["", "\x00", "\ud7ff", "é" * 50, "fine", "*", "sk-", "../..", "%00", "true", "NaN", "a" * 5000]),
)
odd_values = st.recursive(
    odd_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3), max_leaves=8
)
odd_objects = st.dictionaries(
    st.sampled_from(
        ["model", "messages", "prompt", "input", "max_tokens", "stream", "tools", "timeout", "fallbacks", "key", "models", "stop"]
    )
    | st.text(max_size=8),
    odd_values,
    max_size=6,
)
odd_bytes = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda depth: b"[" * depth, st.integers(1, 100_000)),
    st.builds(lambda depth: b'{"model":' * depth + b"1" + b"}" * depth, st.integers(1, 20_000)),
    st.builds(lambda depth: b'{"model": "fine", "messages": ' + b"[" * depth + b"]" * depth + b"}", st.integers(1, 20_000)),
    st.sampled_from(
        [
            b"",
            b"null",
            b"\xff\xfe{}",
            b"\xef\xbb\xbf{}",
            b'{"model": "fine", "model": 1}',
            b'{"a": NaN}',
            b'{"n": 1e999999}',
            b'{"max_tokens": ' + b"9" * 5000 + b"}",
            b'{"model": "\\ud800"}',
            b"[" * 3 + b"]" * 3,
            b'{"model": "fine", "messages": [{"role": "user", "content": "\\u0000\\ud83d"}]}',
        ]
    ),
)
odd_headers = st.dictionaries(
    st.sampled_from(
        [
            "content-type",
            "accept",
            "accept-encoding",
            "content-encoding",
            "anthropic-version",
            "anthropic-beta",
            "if-match",
            "accept-money",
            "x-tianji-timeout",
            "x-tianji-num-retries",
            "x-tianji-tags",
            "x-litellm-timeout",
            "x-forwarded-for",
            "cookie",
            "expect",
            "x-" + "y" * 500,
        ]
    ),
    st.sampled_from(
        [
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "gzip",
            "*/*",
            "application/openmetrics-text;version=1.0.0",
            "-1",
            "NaN",
            "1e999",
            "0",
            "9" * 50,
            '"1"',
            "\u00e9",
            "a,b,,c",
            "decimal",
            "5s",
        ]
    ),
    max_size=3,
)
credentials = st.sampled_from(
    [f"Bearer {MASTER_KEY}"] * 8 + ["", "Bearer", "Basic YTpi", "Bearer sk-" + "a" * 20, "Bearer \u00e9", "Bearer " + "x" * 9000]
)
FEW = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _answer(asked: up.Asked) -> None:
    """Answer every route of an OpenAI-compatible provider well."""
    path = asked.head.split(" ", 2)[1]
    if path.endswith("/embeddings"):
        asked.send(up.json_answer(EMBEDDINGS))
    elif "chat" not in path and not asked.wants_stream:
        asked.send(up.json_answer(TEXT))
    else:
        up.good(asked)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        server.script("fine", _answer)
        yield server


@pytest.fixture(scope="module")
def gateway(upstream: FaultyUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    parameters = {"model": "openai/m", "api_base": f"{upstream.url}/fine/v1", "api_key": "sk-upstream-key-0001"}
    config = {
        "model_list": [{"model_name": name, "litellm_params": parameters} for name in ("fine", "other/*")],
        "general_settings": {"master_key": MASTER_KEY, "max_request_size_mb": 1},
    }
    with running_gateway(tmp_path_factory.mktemp("fuzz") / "data", config=json.dumps(config)) as running:
        yield running


@pytest.fixture(scope="module")
def client(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.base_url, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def routes(client: httpx.Client) -> list[tuple[str, str]]:
    paths = client.get("/openapi.json").json()["paths"]
    found = [(method.upper(), path) for path, operations in paths.items() for method in operations]
    assert len(found) > 30
    return found


def _check(answer: httpx.Response, said: object) -> None:
    """Hold that an answer is one of ours: a value, or an error in one of the envelopes."""
    status = answer.status_code
    if status >= 500:
        code = answer.json()["error"].get("code")
        assert status == 501 or (status, code) == (504, "deadline_exceeded"), (status, answer.text, said)
    if answer.text == "Invalid HTTP request received.":
        assert status == 400  # the HTTP parser's own words: it never became a request
    elif status >= 400 and answer.request.method != "HEAD":
        error = answer.json()["error"]
        assert error["message"], (answer.text, said)
        assert "Traceback" not in answer.text


def _send(client: httpx.Client, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    _check(client.request(method, path, content=body, headers=sent), (method, path, body[:500], headers))


def _filled(path: str) -> str:
    return path.replace("{model}", "fine")


@FEW
@given(
    st.data(),
    odd_bytes | odd_values.map(json.dumps).map(str.encode) | odd_objects.map(json.dumps).map(str.encode),
    odd_headers,
    credentials,
)
def test_no_body_and_no_header_breaks_a_route(
    client: httpx.Client, routes: list[tuple[str, str]], data: st.DataObject, body: bytes, headers: dict[str, str], credential: str
) -> None:
    method, path = data.draw(st.sampled_from(routes))
    _send(client, method, _filled(path), body, {**headers, "authorization": credential})


def test_every_route_takes_every_method(client: httpx.Client, routes: list[tuple[str, str]]) -> None:
    for path in sorted({path for _, path in routes}):
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            _send(client, method, _filled(path), b"{}", {"authorization": f"Bearer {MASTER_KEY}"})


def _recorded() -> list[dict[str, Any]]:
    if not recordings.available():
        return []
    exchanges = [*recordings.exchanges("openai", "/chat/completions"), *recordings.exchanges("anthropic", "/v1/messages")]
    return [one.request for one in exchanges if isinstance(one.request, dict) and len(json.dumps(one.request)) < 8000]


REQUESTS = (*CORPUS, *_recorded())


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container and key of a value."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [place for key, inner in pairs for place in [(value, key), *_places(inner)]]


@FEW
@given(st.data(), st.sampled_from(range(len(REQUESTS))), st.integers(1, 3))
def test_no_changed_request_breaks_a_route(
    client: httpx.Client, routes: list[tuple[str, str]], data: st.DataObject, number: int, changes: int
) -> None:
    request = copy.deepcopy(REQUESTS[number])
    request["model"] = "fine"
    for _ in range(changes):
        container, key = data.draw(st.sampled_from(_places(request)))
        if data.draw(st.booleans()) or not isinstance(container, dict | list):
            container[key] = data.draw(odd_values)
        elif isinstance(container, dict):
            container[data.draw(st.text(max_size=5))] = container.pop(key, None)
        else:
            container.append(container[key] if key < len(container) else None)
        if not _places(request):
            break
    method, path = data.draw(st.sampled_from([route for route in routes if route[0] == "POST" and "/config" not in route[1]]))
    _send(client, method, _filled(path), json.dumps(request).encode(), {"authorization": f"Bearer {MASTER_KEY}"})


@FEW
@given(
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS"]),
    st.sampled_from(["/", "/v1/models/", "/engines/", "/openai/deployments/", "/v1/messages", "/key/info", "//", "/%2e%2e/", "/health"]),
    st.text(string.printable, max_size=20)
    | st.sampled_from(["%00", "%ff%fe", "..%2f..%2f", "fine/chat/completions", "*", "a" * 3000, "é", "?key=%ff&key"]),
)
def test_no_path_breaks_the_server(client: httpx.Client, method: str, prefix: str, rest: str) -> None:
    path = "".join(letter if letter.isprintable() and letter not in " #" else f"%{ord(letter):02X}" for letter in prefix + rest)
    try:
        url = httpx.URL(str(client.base_url).rstrip("/") + path)
    except httpx.InvalidURL:
        return
    _check(client.request(method, url, content=b"{}", headers={"authorization": f"Bearer {MASTER_KEY}"}), path)


def test_bytes_that_are_no_http_leave_the_server_alive(gateway: GatewayProcess, client: httpx.Client) -> None:
    rng = random.Random(7)
    port = int(gateway.base_url.rpartition(":")[2])
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {MASTER_KEY}\r\n".encode()
    texts = [rng.randbytes(rng.randrange(1, 300)) for _ in range(20)] + [
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
        b"GET /v1/models/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /key/info?key=\xff HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + MASTER_KEY.encode() + b"\r\n\r\n",
        head + b"content-length: -5\r\n\r\n{}",
        head + b"content-length: 99999999999999999999\r\n\r\n{}",
        head + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{}",
        head + b"transfer-encoding: chunked\r\n\r\nZZ\r\n{}",
        head + b"transfer-encoding: gzip\r\n\r\n{}",
        head + b"content-length: 2000000\r\n\r\n" + b"{" * 2_000_000,
        head + b"transfer-encoding: chunked\r\n\r\n" + (b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n") * 3,
        head
        + b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n\r\n",
        head + b"content-length: 50\r\n\r\n{",
    ]
    for text in texts:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            try:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(65536)
            except ConnectionError:
                answer = b""  # it has refused to read on
        assert not answer.startswith(b"HTTP/1.1 5"), (text[:200], answer)
    assert client.get("/health/liveness").status_code == 200


def test_body_over_the_limit_is_refused_without_reading_it_all(client: httpx.Client) -> None:
    answer = client.post("/v1/chat/completions", content=b" " * (3 << 20), headers={"authorization": f"Bearer {MASTER_KEY}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


def test_process_lives_and_met_nothing_unforeseen(gateway: GatewayProcess, client: httpx.Client) -> None:
    body = {"model": "fine", "messages": [{"role": "user", "content": "Hi"}]}
    assert client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {MASTER_KEY}"}).status_code == 200
    assert gateway.process.poll() is None
    os.kill(gateway.process.pid, 0)
    assert "Traceback" not in gateway.output
    assert "internal_error" not in gateway.output
    assert " bug" not in gateway.output
