"""The real model in its real child process: it answers, and it stops."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import msgspec
import pytest

from support.processes import must_end
from tianji_adapters.local_model import process
from tianji_adapters.local_model.process import LocalModel
from tianji_core.errors import DependencyUnavailableError

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("local_model")]
_BACKENDS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
    pytest.param(("trio", {}), id="trio"),
]
_QUESTION = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12, "temperature": 0, "seed": 1}


@pytest.fixture(scope="module", params=_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Every loop that the gateway may run on."""
    return request.param


@pytest.fixture(scope="module")
async def model(anyio_backend: Any) -> AsyncIterator[LocalModel]:
    """A running model."""
    async with LocalModel() as running:
        yield running


async def _post(model: LocalModel, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return await client.post(f"{model.base_url}/v1/chat/completions", json={"model": model.model, **body})


async def _first_bytes_of_a_long_answer(model: LocalModel) -> anyio.abc.SocketStream:
    """Return the connection over which a long answer is under way."""
    body = {"messages": _QUESTION["messages"], "stream": True, "ignore_eos": True, "max_tokens": 2000}
    text = msgspec.json.encode(body)
    address = httpx.URL(model.base_url)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    connection = await anyio.connect_tcp(address.host, address.port or 80)
    await connection.send(head.encode() + text)
    await connection.receive()
    return connection


def _pid(model: LocalModel) -> int:
    assert model.process_id is not None
    return model.process_id


async def test_base_url_is_on_the_loopback(model: LocalModel) -> None:
    assert httpx.URL(model.base_url).host == "127.0.0.1"


async def test_whole_answer_counts_its_tokens(model: LocalModel) -> None:
    answer = await _post(model, _QUESTION)
    assert answer.status_code == 200
    body = answer.json()
    assert body["choices"][0]["message"]["content"].strip()
    assert body["usage"]["completion_tokens"] <= 12
    assert body["usage"]["prompt_tokens"] > 0


async def test_streamed_answer_equals_the_whole_one_and_ends_with_its_usage(model: LocalModel) -> None:
    whole = (await _post(model, _QUESTION)).json()
    streamed = await _post(model, {**_QUESTION, "stream": True, "stream_options": {"include_usage": True}})
    events = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: ")]
    chunks = [msgspec.json.decode(event) for event in events[:-1]]
    assert events[-1] == "[DONE]"
    assert len(chunks) > 3
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]


async def test_answer_is_bound_to_a_json_schema(model: LocalModel) -> None:
    schema = {"type": "object", "properties": {"mood": {"enum": ["glad", "sad"]}}, "required": ["mood"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "mood", "strict": True, "schema": schema}}
    answer = await _post(model, {**_QUESTION, "max_tokens": 40, "response_format": form})
    assert msgspec.json.decode(answer.json()["choices"][0]["message"]["content"])["mood"] in {"glad", "sad"}


async def test_bad_request_is_answered_in_openai_s_shape(model: LocalModel) -> None:
    answer = await _post(model, {"messages": "none"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


async def test_leaving_the_block_ends_the_child() -> None:
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(LocalModel())
        with must_end(_pid(model)):
            await stack.aclose()
    assert (model.base_url, model.process_id) == ("", None)


async def test_cancelling_the_block_ends_the_child() -> None:
    with anyio.CancelScope() as scope:
        async with LocalModel() as model:
            watched = must_end(_pid(model))
            watched.__enter__()
            scope.cancel()
            await anyio.sleep_forever()
    watched.__exit__(None, None, None)


async def test_an_answer_under_way_does_not_hold_the_end_up() -> None:
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(LocalModel())
        async with await _first_bytes_of_a_long_answer(model):
            with must_end(_pid(model)), anyio.fail_after(process.STOP_SECONDS / 2):
                await stack.aclose()


async def test_child_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_SECONDS", 0.001)
    with pytest.raises(DependencyUnavailableError, match="did not start within"):
        async with LocalModel():
            pass


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("#!/bin/sh\nexit 3\n", "ended before it was ready"),
        ('#!/bin/sh\necho \'{"error": "no room"}\'\n', "cannot start: no room"),
        ("#!/bin/sh\necho hello\n", "not an address"),
    ],
)
async def test_child_that_fails_is_told_with_what_to_do(program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "python"
    file.write_text(program)
    file.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(file))
    with pytest.raises(DependencyUnavailableError, match=words) as caught:
        async with LocalModel():
            pass
    assert "--no-local-model" in str(caught.value)
