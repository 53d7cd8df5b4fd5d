"""A provider that does everything wrong, behind the real gateway: every fault ends in a clear error or in another deployment's answer."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import faulty_upstream as up
from support.fault_server import refused_url
from support.faulty_upstream import Act, FaultyUpstream, faulty_upstream
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.ledger import eventually, rows

PRICES = {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000002}
COST_NANO = 7 * 1000 + 3 * 2000
"""Of `USAGE` at these prices."""
COUNTED_NANO_AT_MOST = 100_000
JSON = "Content-Type: application/json"
SSE = "Content-Type: text/event-stream"
_BROKEN_BODY = up.head(200, JSON, "Content-Length: 500") + b'{"id": "chatcmpl-1", "choi'

ERRORS: dict[str, tuple[Act, int, str, str]] = {
    "status-400": (up.failing(400, message="no"), 400, "invalid_request_error", ""),
    "status-401": (up.failing(401), 502, "api_error", "upstream_authentication_error"),
    "status-404": (up.failing(404), 502, "api_error", "upstream_error"),
    "status-408": (up.failing(408), 504, "timeout_error", "upstream_timeout"),
    "status-413": (up.failing(413), 413, "invalid_request_error", "request_too_large"),
    "status-429": (up.failing(429, "Retry-After: 7"), 429, "rate_limit_error", "rate_limit_exceeded"),
    "status-500": (up.failing(500), 502, "api_error", "upstream_error"),
    "status-503": (up.failing(503), 503, "overloaded_error", "upstream_overloaded"),
    "status-302": (up.saying(up.whole(b"", 302, "Location: http://127.0.0.1:1/")), 502, "api_error", "upstream_error"),
    "close-at-once": (up.saying(), 502, "api_error", "upstream_error"),
    "reset-at-once": (up.resetting(), 502, "api_error", "upstream_error"),
    "no-http": (up.saying(b"220 mail.example ESMTP\r\n"), 502, "api_error", "upstream_protocol_error"),
    "half-a-head": (up.saying(b"HTTP/1.1 200 OK\r\nContent-Ty"), 502, "api_error", "upstream_protocol_error"),
    "half-a-body": (up.saying(_BROKEN_BODY), 502, "api_error", "upstream_protocol_error"),
    "reset-in-body": (up.resetting(_BROKEN_BODY), 502, "api_error", "upstream_protocol_error"),
    "declared-too-large": (up.silent(up.head(200, JSON, "Content-Length: 99999999999")), 502, "api_error", "upstream_protocol_error"),
    "not-json": (up.saying(up.whole(b'{"choices": [', 200, JSON)), 502, "api_error", "upstream_protocol_error"),
    "not-an-object": (up.saying(up.whole(b"[1, 2]", 200, JSON)), 502, "api_error", "upstream_protocol_error"),
    "nothing": (up.saying(up.whole(b"", 200, JSON)), 502, "api_error", "upstream_protocol_error"),
    "html": (up.saying(up.whole(b"<html>Welcome!</html>", 200, "Content-Type: text/html")), 502, "api_error", "upstream_protocol_error"),
    "unasked-coding": (up.saying(up.whole(b"x", 200, JSON, "Content-Encoding: br")), 502, "api_error", "upstream_protocol_error"),
    "refused": (up.good, 502, "api_error", "upstream_error"),
    "hanging": (up.silent(), 504, "timeout_error", "upstream_timeout"),
    "stalled-in-body": (up.silent(_BROKEN_BODY), 504, "timeout_error", "upstream_timeout"),
}
FIRST_EVENTS: dict[str, tuple[Act, str]] = {
    "sse-cut": (up.saying(up.CHUNKED, up.piece("Hel")), "upstream_protocol_error"),
    "sse-reset": (up.resetting(up.CHUNKED, up.piece("Hel")), "upstream_protocol_error"),
    "sse-no-end": (up.saying(up.CHUNKED, up.piece("Hel"), up.chunk(b"")), "upstream_protocol_error"),
    "sse-not-json": (up.saying(up.CHUNKED, up.piece("Hel"), up.chunk(b'data: {"choices": [\n\n'), up.END), "upstream_protocol_error"),
    "sse-error": (
        up.saying(up.CHUNKED, up.piece("Hel"), up.sse({"error": {"message": "too much", "code": 503}}), up.END),
        "upstream_overloaded",
    ),
}
OTHER = (
    "fine",
    "busy",
    "bursting",
    "bursting-stream",
    "slow",
    "patient",
    "left",
    "deadline",
    "trickling",
    "flooding",
    "html-stream",
    "silent-stream",
)


def _entry(name: str, base: str, **parameters: object) -> dict[str, object]:
    given = {"model": "openai/m", "api_base": base, "api_key": "sk-upstream-key-0001", "max_retries": 0, **PRICES, **parameters}
    return {"model_name": name, "litellm_params": given}


def _config(url: str) -> str:
    names = [*ERRORS, *FIRST_EVENTS, *OTHER]
    special: dict[str, dict[str, object]] = {
        "hanging": {"timeout": 0.4},
        "stalled-in-body": {"timeout": 0.4},
        "busy": {"max_retries": 2},
        "bursting": {"max_retries": 2},
        "bursting-stream": {"max_retries": 2},
        "silent-stream": {"stream_timeout": 0.4},
    }
    bases = {name: f"{url}/{name}/v1" for name in names} | {"refused": refused_url()}
    entries = [_entry(name, bases[name], **special.get(name, {})) for name in names]
    entries += [_entry("pair", f"{url}/first/v1", order=1), _entry("pair", f"{url}/second/v1", order=2)]
    settings = {
        "model_list": entries,
        "general_settings": {"master_key": MASTER_KEY},
        "router_settings": {
            "fallbacks": [{"bursting": ["fine"]}, {"bursting-stream": ["fine"]}, {"sse-cut": ["fine"]}, {"sse-reset": ["fine"]}],
            "num_retries": 1,
        },
    }
    return json.dumps(settings)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults") / "data"


@pytest.fixture(scope="module")
def gateway(upstream: FaultyUpstream, data_dir: Path) -> Iterator[GatewayProcess]:
    with running_gateway(data_dir, config=_config(upstream.url)) as running:
        yield running


@pytest.fixture(scope="module")
def client(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {MASTER_KEY}"}, timeout=30) as made:
        yield made


def _body(model: str, **more: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}


def _ask(client: httpx.Client, model: str, **more: object) -> httpx.Response:
    return client.post("/v1/chat/completions", json=_body(model, **more))


def _booked(data_dir: Path, answer: httpx.Response) -> dict[str, Any]:
    """Return the one row of a call."""
    call_id = answer.headers["x-request-id"]
    assert eventually(lambda: rows(data_dir, call_id=call_id)), "the call was booked"
    found = rows(data_dir, call_id=call_id)
    assert len(found) == 1
    return found[0]


def _events(text: str) -> list[Any]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ") and line != "data: [DONE]"]


@pytest.mark.promise("bad-upstream", "own-words")
@pytest.mark.parametrize("fault", ERRORS)
def test_fault_of_a_provider_is_a_clear_error(fault: str, upstream: FaultyUpstream, client: httpx.Client, data_dir: Path) -> None:
    act, status, kind, code = ERRORS[fault]
    upstream.script(fault, act)
    answer = _ask(client, fault)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"] or "") == (status, kind, code)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] is None
    assert len(upstream.asked[fault]) == (0 if fault == "refused" else 1)
    row = _booked(data_dir, answer)
    assert (row["status"], row["http_status"], row["cost_nano"]) == ("error", status, 0)


def test_seconds_that_a_provider_names_are_told_to_the_caller(upstream: FaultyUpstream, client: httpx.Client) -> None:
    upstream.script("patient", up.failing(429, "Retry-After: 7"))
    answer = _ask(client, "patient")
    assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("7", "7000")


@pytest.mark.promise("bad-upstream")
def test_refused_credential_of_ours_is_not_to_be_tried_again(upstream: FaultyUpstream, client: httpx.Client) -> None:
    upstream.script("slow", up.failing(401))
    assert _ask(client, "slow").headers["x-should-retry"] == "false"


@pytest.mark.promise("bad-upstream", "own-words")
def test_fault_reads_in_anthropics_words_on_its_routes(upstream: FaultyUpstream, client: httpx.Client) -> None:
    upstream.script("fine", up.failing(503))
    answer = client.post("/v1/messages", json=_body("fine", max_tokens=9))
    assert answer.status_code == 529
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "overloaded_error"
    assert answer.json()["request_id"] == answer.headers["request-id"]


@pytest.mark.promise("bad-upstream", "exact-money")
def test_rate_limit_that_passes_is_waited_for(upstream: FaultyUpstream, client: httpx.Client, data_dir: Path) -> None:
    upstream.script("busy", up.failing(429, "Retry-After: 1"), up.good)
    began = time.monotonic()
    answer = _ask(client, "busy")
    assert answer.status_code == 200, answer.text
    assert time.monotonic() - began >= 1, "retry-after is obeyed"
    assert answer.headers["x-tianji-attempted-retries"] == "1"
    row = _booked(data_dir, answer)
    assert (row["cost_nano"], row["retries"], row["usage_source"]) == (COST_NANO, 1, "provider")
    assert [attempt["outcome"] for attempt in json.loads(row["attempts"])] == ["unbilled", "billed"]


@pytest.mark.promise("bad-upstream", "exact-money")
@pytest.mark.parametrize("stream", [False, True])
def test_burst_of_errors_ends_in_the_fallback_groups_answer(
    stream: bool, upstream: FaultyUpstream, client: httpx.Client, data_dir: Path
) -> None:
    group = "bursting-stream" if stream else "bursting"
    upstream.script(group, up.failing(500))
    upstream.script("fine", up.good)
    answer = _ask(client, group, stream=stream)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["x-tianji-model-group"], answer.headers["x-tianji-attempted-fallbacks"]) == ("fine", "1")
    assert len(upstream.asked[group]) == 3
    assert len(upstream.asked["fine"]) == 1
    assert _booked(data_dir, answer)["cost_nano"] == COST_NANO


@pytest.mark.promise("bad-upstream", "exact-money")
def test_second_deployment_of_a_group_takes_over(upstream: FaultyUpstream, client: httpx.Client, data_dir: Path) -> None:
    upstream.script("first", up.resetting())
    upstream.script("second", up.good)
    answer = _ask(client, "pair", num_retries=1)
    assert answer.status_code == 200, answer.text
    assert (len(upstream.asked["first"]), len(upstream.asked["second"])) == (1, 1)
    assert _booked(data_dir, answer)["cost_nano"] == COST_NANO


@pytest.mark.promise("nothing-repeated", "truncation-told", "bad-upstream")
@pytest.mark.parametrize("fault", FIRST_EVENTS)
def test_stream_that_breaks_after_its_first_content_says_so_and_is_not_begun_again(
    fault: str, upstream: FaultyUpstream, client: httpx.Client, data_dir: Path
) -> None:
    act, code = FIRST_EVENTS[fault]
    upstream.script(fault, act)
    upstream.script("fine", up.good)
    answer = _ask(client, fault, stream=True, num_retries=3)
    assert answer.status_code == 200
    events = _events(answer.text)
    assert events[0]["choices"][0]["delta"]["content"] == "Hel"
    assert events[-1]["error"]["code"] == code
    assert "[DONE]" not in answer.text
    assert not any(choice.get("finish_reason") for event in events for choice in event.get("choices", ()))
    assert len(upstream.asked[fault]) == 1
    assert upstream.asked["fine"] == []
    row = _booked(data_dir, answer)
    assert (row["status"], row["http_status"], row["usage_source"]) == ("error", 200, "estimated")
    assert 0 < row["cost_nano"] < COUNTED_NANO_AT_MOST, "what was produced is paid"


@pytest.mark.promise("truncation-told")
def test_cut_stream_ends_in_an_error_event_of_anthropics_api_too(upstream: FaultyUpstream, client: httpx.Client) -> None:
    upstream.script("sse-no-end", FIRST_EVENTS["sse-no-end"][0])
    answer = client.post("/v1/messages", json=_body("sse-no-end", max_tokens=9, stream=True))
    assert "event: error" in answer.text
    assert "message_stop" not in answer.text


@pytest.mark.promise("bad-upstream")
def test_stream_without_content_is_an_error_before_anything_was_sent(upstream: FaultyUpstream, client: httpx.Client) -> None:
    upstream.script("html-stream", up.saying(up.whole(b"<html>Welcome!</html>", 200, "Content-Type: text/html")))
    assert _ask(client, "html-stream", stream=True).status_code == 502


@pytest.mark.promise("bad-upstream")
def test_stream_that_stays_silent_is_given_up(upstream: FaultyUpstream, client: httpx.Client) -> None:
    upstream.script("silent-stream", up.silent(up.CHUNKED))
    answer = _ask(client, "silent-stream", stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")
    assert upstream.request("silent-stream").ended.wait(5), "its connection is closed"


@pytest.mark.promise("callers-deadline", "bad-upstream")
@pytest.mark.parametrize("stream", [False, True])
def test_callers_deadline_holds_over_all_attempts(stream: bool, upstream: FaultyUpstream, client: httpx.Client, data_dir: Path) -> None:
    upstream.script("deadline", up.failing(500), up.silent())
    began = time.monotonic()
    answer = _ask(client, "deadline", stream=stream, timeout=0.7, num_retries=5)
    seconds = time.monotonic() - began
    assert (answer.status_code, answer.json()["error"]["type"]) == (504, "timeout_error")
    assert answer.json()["error"]["code"] == "deadline_exceeded"
    assert 0.5 < seconds < 5
    assert upstream.request("deadline", 1).ended.wait(5), "the provider's connection is closed"
    assert _booked(data_dir, answer)["status"] == "error"


@pytest.mark.promise("any-cut", "bad-upstream")
def test_trickled_stream_reads_as_if_it_came_at_once(upstream: FaultyUpstream, client: httpx.Client) -> None:
    data = (
        up.CHUNKED
        + b"".join(up.chunk(bytes([byte])) for byte in _plain(up.piece("Hel"), up.piece("lo é€😀.")) + _plain(up.END))
        + up.chunk(b"")
    )
    upstream.script("trickling", up.trickling(data, bytes_at_once=37, pause=lambda: time.sleep(0)))
    events = _events(_ask(client, "trickling", stream=True).text)
    assert "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"]) == "Hello é€😀."


def _plain(*chunks: bytes) -> bytes:
    """Return the bytes inside one chunk of a chunked body each, or of several."""
    found, rest = b"", b"".join(chunks)
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        found, rest = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found


@pytest.mark.promise("bad-upstream")
def test_flood_is_cut_off(upstream: FaultyUpstream, client: httpx.Client) -> None:
    def flood(asked: up.Asked) -> None:
        try:
            asked.send(up.head(200, JSON, "Transfer-Encoding: chunked"), up.chunk(b'{"x": "'))
            for _ in range(1000):
                asked.send(up.chunk(b"x" * (1 << 20)))
        except ConnectionError:
            asked.ended.set()

    upstream.script("flooding", flood)
    answer = _ask(client, "flooding")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_protocol_error")
    assert upstream.request("flooding").ended.wait(5), "it could not send it all"


@pytest.mark.promise("leaving-cancels")
@pytest.mark.parametrize("stream", [False, True])
def test_caller_who_leaves_ends_the_providers_work(stream: bool, upstream: FaultyUpstream, gateway: GatewayProcess, data_dir: Path) -> None:
    upstream.script("left", up.silent(up.CHUNKED, up.piece("Hel")) if stream else up.silent())
    before = len(rows(data_dir, model_asked="left"))
    with httpx.Client(
        headers={"Authorization": f"Bearer {MASTER_KEY}"}, timeout=httpx.Timeout(30, read=None if stream else 0.3)
    ) as leaving:
        if stream:
            with leaving.stream("POST", f"{gateway.base_url}/v1/chat/completions", json=_body("left", stream=True)) as answer:
                assert "Hel" in next(answer.iter_text())
        else:
            with pytest.raises(httpx.ReadTimeout):
                leaving.post(f"{gateway.base_url}/v1/chat/completions", json=_body("left"))
    assert upstream.request("left").ended.wait(5), "the provider's connection is closed at once"
    assert eventually(lambda: len(rows(data_dir, model_asked="left")) > before)
    row = rows(data_dir, model_asked="left")[-1]
    assert (row["status"], row["usage_source"], len(upstream.asked["left"])) == ("cancelled", "estimated", 1)
    assert 0 < row["cost_nano"] < COUNTED_NANO_AT_MOST


@pytest.mark.promise("bad-upstream", "exact-money", "booked-once")
def test_other_groups_calls_go_on_while_one_hangs(upstream: FaultyUpstream, client: httpx.Client, data_dir: Path) -> None:
    waiting = threading.Semaphore(0)

    def hang(asked: up.Asked) -> None:
        waiting.release()
        asked.until_closed()

    upstream.script("slow", hang)
    upstream.script("fine", up.good)
    before = len(rows(data_dir, model_asked="fine"))
    with ThreadPoolExecutor(50) as threads:
        hanging = [threads.submit(_ask, client, "slow", timeout=3) for _ in range(1)]
        assert waiting.acquire(timeout=5)
        answers = list(threads.map(lambda number: _ask(client, "fine", stream=number % 2 == 0), range(40)))
        assert not any(call.done() for call in hanging)
        assert [answer.status_code for answer in answers] == [200] * 40
        assert [call.result().status_code for call in hanging] == [504]
    assert eventually(lambda: len(rows(data_dir, model_asked="fine")) >= before + 40)
    booked = rows(data_dir, model_asked="fine")[before:]
    assert len({row["call_id"] for row in booked}) == len(booked) == 40
    assert {row["cost_nano"] for row in booked} == {COST_NANO}


def test_nothing_of_this_was_a_bug_of_the_gateway(gateway: GatewayProcess) -> None:
    assert gateway.process.poll() is None
    assert "Traceback" not in gateway.output
    assert "bug" not in gateway.output
