"""The vendors' own SDKs against the real gateway with the real local model, as their users write them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anthropic
import httpx
import openai
import pytest
from pydantic import BaseModel

from support.gateway import MASTER_KEY, ROOT, GatewayProcess, environment, running_gateway
from support.ledger import eventually, rows

MODEL = "local/smollm2-135m"
HELLO = "Say hello in one sentence."
COLD = {"temperature": 0}
INPUT_NANO, OUTPUT_NANO = 137, 911
"""Prices of a token that no rounding can hide."""

pytestmark = pytest.mark.anyio


class City(BaseModel):
    """What the model must fill in."""

    name: str
    is_big: bool


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with running_gateway(tmp_path_factory.mktemp("sdks") / "data") as running:
        yield running


@pytest.fixture
def openai_client(gateway: GatewayProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=gateway.virtual_key, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def anthropic_client(gateway: GatewayProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.base_url, api_key=gateway.virtual_key, max_retries=0, timeout=60) as client:
        yield client


def test_openai_answer_is_whole(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": HELLO}], max_tokens=20)
    assert answer.choices[0].message.content
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.model == MODEL
    assert answer.usage
    assert answer.usage.prompt_tokens > 0 < answer.usage.completion_tokens <= 20
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.promise("any-cut")
def test_openai_stream_reads_as_the_whole_answer(openai_client: openai.OpenAI) -> None:
    given = {"model": MODEL, "messages": [{"role": "user", "content": HELLO}], "max_tokens": 20, "temperature": 0, "seed": 1}
    whole = openai_client.chat.completions.create(**given)  # type: ignore[call-overload]
    with openai_client.chat.completions.create(**given, stream=True, stream_options={"include_usage": True}) as stream:  # type: ignore[call-overload]
        chunks = list(stream)
    assert len(chunks) > 3
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole.choices[0].message.content
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [whole.usage.completion_tokens]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == whole.choices[0].finish_reason


async def test_async_openai_client_reads_both(gateway: GatewayProcess) -> None:
    async with openai.AsyncOpenAI(base_url=f"{gateway.base_url}/v1", api_key=gateway.virtual_key, max_retries=0) as client:
        whole = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": HELLO}], max_tokens=8)
        assert whole.choices[0].message.content
        stream = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": HELLO}], max_tokens=8, stream=True)
        async with stream:
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


def test_openai_structured_output_is_parsed(openai_client: openai.OpenAI) -> None:
    answer = openai_client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": "Tell me of Paris, as JSON."}],
        response_format=City,
        max_tokens=200,
        temperature=0,
    )
    assert isinstance(answer.choices[0].message.parsed, City)


def test_anthropic_answer_is_whole(anthropic_client: anthropic.Anthropic) -> None:
    message = anthropic_client.messages.create(model=MODEL, max_tokens=20, messages=[{"role": "user", "content": HELLO}])
    assert message.content[0].type == "text"
    assert message.content[0].text
    assert (message.role, message.model) == ("assistant", MODEL)
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.input_tokens > 0 < message.usage.output_tokens <= 20


@pytest.mark.promise("any-cut")
def test_anthropic_stream_reads_as_the_whole_answer(anthropic_client: anthropic.Anthropic) -> None:
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": HELLO}]
    whole = anthropic_client.messages.create(model=MODEL, max_tokens=20, messages=messages, extra_body=COLD)
    with anthropic_client.messages.stream(model=MODEL, max_tokens=20, messages=messages, extra_body=COLD) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert whole.content[0].type == "text"
    assert text == whole.content[0].text
    assert (final.stop_reason, final.usage.output_tokens) == (whole.stop_reason, whole.usage.output_tokens)


async def test_async_anthropic_client_reads_both(gateway: GatewayProcess) -> None:
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": HELLO}]
    async with anthropic.AsyncAnthropic(base_url=gateway.base_url, api_key=gateway.virtual_key, max_retries=0) as client:
        whole = await client.messages.create(model=MODEL, max_tokens=8, messages=messages)
        assert whole.content[0].type == "text"
        async with client.messages.stream(model=MODEL, max_tokens=8, messages=messages) as stream:
            assert await stream.get_final_text()


def test_anthropic_structured_output_is_parsed(anthropic_client: anthropic.Anthropic) -> None:
    message = anthropic_client.messages.parse(
        model=MODEL,
        max_tokens=200,
        messages=[{"role": "user", "content": "Tell me of Paris, as JSON."}],
        output_format=City,
        extra_body=COLD,
    )
    assert isinstance(message.parsed_output, City)


def test_models_are_listed_in_the_shape_of_each_vendor(openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic) -> None:
    assert [(model.id, model.object) for model in openai_client.models.list()] == [(MODEL, "model")]
    assert openai_client.models.retrieve(MODEL).id == MODEL
    listed = anthropic_client.models.list()
    assert [(model.id, model.type) for model in listed] == [(MODEL, "model")]
    assert not listed.has_more


@pytest.mark.promise("own-words")
def test_absent_model_is_told_in_the_words_of_each_vendor(openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic) -> None:
    with pytest.raises(openai.NotFoundError) as ours:
        openai_client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hi"}])
    assert (ours.value.code, ours.value.type, ours.value.param) == ("model_not_found", "invalid_request_error", "model")
    with pytest.raises(anthropic.NotFoundError) as theirs:
        anthropic_client.messages.create(model="nobody", max_tokens=1, messages=[{"role": "user", "content": "Hi"}])
    assert theirs.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]


@pytest.mark.promise("own-words")
def test_wrong_key_is_told_in_the_words_of_each_vendor(gateway: GatewayProcess) -> None:
    with openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key="sk-nobody-has-this-key-00", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as ours:
            client.models.list()
        assert ours.value.code == "invalid_api_key"
    with anthropic.Anthropic(base_url=gateway.base_url, api_key="sk-nobody-has-this-key-00", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError) as theirs:
            client.messages.create(model=MODEL, max_tokens=1, messages=[{"role": "user", "content": "Hi"}])
        assert theirs.value.body["error"]["type"] == "authentication_error"  # type: ignore[index]


@pytest.mark.promise("own-words")
def test_embeddings_of_a_chat_model_are_refused_in_words(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        openai_client.embeddings.create(model=MODEL, input="Hi")
    assert caught.value.status_code == 501
    assert "embeddings" in caught.value.message
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_legacy_completion_is_answered_whole_and_streaming(openai_client: openai.OpenAI) -> None:
    given = {"model": MODEL, "prompt": "Once upon a time", "max_tokens": 12, "temperature": 0, "seed": 1}
    whole = openai_client.completions.create(**given)  # type: ignore[call-overload]
    assert whole.object == "text_completion"
    assert whole.choices[0].text
    assert whole.usage.completion_tokens == 12
    with openai_client.completions.create(**given, stream=True) as stream:  # type: ignore[call-overload]
        assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == whole.choices[0].text


def test_tokens_are_counted_before_a_call(anthropic_client: anthropic.Anthropic) -> None:
    short = anthropic_client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
    long = anthropic_client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi there. " * 50}], system="Be kind.")
    assert 0 < short.input_tokens < long.input_tokens


@pytest.fixture(scope="module")
def model_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real local model, as a server of its own."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tianji_adapters.local_model.child"],
        env=environment(tmp_path_factory.mktemp("model")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())["address"]
    finally:
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def priced_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("priced") / "data"


@pytest.fixture(scope="module")
def priced(model_address: str, priced_dir: Path) -> Iterator[GatewayProcess]:
    """A gateway whose local model costs something."""
    parameters = {
        "model": "local/smollm2-135m",
        "api_base": model_address,
        "input_cost_per_token": INPUT_NANO / 1e9,
        "output_cost_per_token": OUTPUT_NANO / 1e9,
    }
    settings = {
        "model_list": [{"model_name": "priced", "litellm_params": parameters}],
        "general_settings": {"master_key": MASTER_KEY},
    }
    with running_gateway(priced_dir, config=json.dumps(settings)) as running:
        yield running


@pytest.mark.promise("exact-money", "booked-once")
def test_spend_of_a_key_is_exact_within_a_second(priced: GatewayProcess, priced_dir: Path) -> None:
    admin = {"Authorization": f"Bearer {MASTER_KEY}"}
    key = httpx.post(f"{priced.base_url}/key/generate", headers=admin, json={"key_alias": "payer"}).json()["key"]
    nano = 0
    with openai.OpenAI(base_url=f"{priced.base_url}/v1", api_key=key, max_retries=0, timeout=60) as client:
        for number in range(3):
            answer = client.chat.completions.with_raw_response.create(
                model="priced", messages=[{"role": "user", "content": HELLO}], max_tokens=5 + number
            )
            usage = answer.parse().usage
            assert usage
            cost = usage.prompt_tokens * INPUT_NANO + usage.completion_tokens * OUTPUT_NANO
            assert round(float(answer.headers["x-tianji-response-cost"]) * 1e9) == cost
            nano += cost
        with client.chat.completions.create(
            model="priced", messages=[{"role": "user", "content": HELLO}], max_tokens=9, stream=True, stream_options={"include_usage": True}
        ) as stream:
            usage = [chunk.usage for chunk in stream if chunk.usage][-1]
            nano += usage.prompt_tokens * INPUT_NANO + usage.completion_tokens * OUTPUT_NANO

    def info() -> dict[str, object]:
        found = httpx.get(f"{priced.base_url}/key/info", params={"key": key}, headers={**admin, "Accept-Money": "decimal"})
        shown: dict[str, object] = found.json()["info"]
        return shown

    assert eventually(lambda: info()["spend"] == f"{nano / 1e9:.9f}".rstrip("0"), within_seconds=1), (info()["spend"], nano)
    booked = rows(priced_dir, api_key_alias="payer")
    assert [row["usage_source"] for row in booked] == ["provider"] * 4
    assert sum(row["cost_nano"] for row in booked) == nano


@pytest.mark.promise("exact-money")
def test_both_vendors_calls_of_one_prompt_cost_the_same(priced: GatewayProcess, priced_dir: Path) -> None:
    before = len(rows(priced_dir))
    with openai.OpenAI(base_url=f"{priced.base_url}/v1", api_key=MASTER_KEY, max_retries=0) as client:
        client.chat.completions.create(model="priced", messages=[{"role": "user", "content": HELLO}], max_tokens=4, temperature=0)
    with anthropic.Anthropic(base_url=priced.base_url, api_key=MASTER_KEY, max_retries=0) as other:
        other.messages.create(model="priced", messages=[{"role": "user", "content": HELLO}], max_tokens=4, extra_body=COLD)
    assert eventually(lambda: len(rows(priced_dir)) == before + 2)
    first, second = rows(priced_dir)[before:]
    assert first["cost_nano"] == second["cost_nano"] > 0
    assert (first["surface"], second["surface"]) == ("openai_chat", "anthropic_messages")
