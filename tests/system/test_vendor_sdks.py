"""The vendors' own SDKs against the real gateway and the real local model: sync, async, whole, streamed, structured."""

from collections.abc import Iterator

import anthropic
import openai
import pytest
from pydantic import BaseModel

from support.gateway import GatewayProcess, running_gateway

pytestmark = pytest.mark.xdist_group("vendor-sdks")
MODEL = "local/smollm2-135m"
HELLO = "Say hello in one sentence."


@pytest.fixture
def anyio_backend() -> str:
    """The vendors' async clients are made for asyncio."""
    return "asyncio"


class City(BaseModel):
    """What the model is made to say."""

    name: str
    population: int


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway as a newcomer has it."""
    with running_gateway(tmp_path_factory.mktemp("vendor-sdks") / "data") as running:
        yield running


@pytest.fixture
def chat(gateway: GatewayProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=gateway.virtual_key, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def messages(gateway: GatewayProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.base_url, api_key=gateway.virtual_key, max_retries=0, timeout=60) as client:
        yield client


def test_openai_whole_and_streamed_with_usage(chat: openai.OpenAI) -> None:
    whole = chat.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": HELLO}], max_tokens=20, temperature=0)
    assert whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0
    pieces = list(
        chat.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": HELLO}],
            max_tokens=20,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.completion_tokens > 0


def test_openai_structured_output_is_parsed(chat: openai.OpenAI) -> None:
    parsed = chat.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "Describe Oslo."}], response_format=City, max_tokens=200, temperature=0
    )
    assert isinstance(parsed.choices[0].message.parsed, City)


@pytest.mark.anyio
async def test_openai_async_client(gateway: GatewayProcess) -> None:
    async with openai.AsyncOpenAI(base_url=f"{gateway.base_url}/v1", api_key=gateway.virtual_key, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": HELLO}], max_tokens=10, stream=True
        )
        assert [piece async for piece in stream][-1].choices[0].finish_reason in ("stop", "length")


def test_legacy_completions_whole_and_streamed(chat: openai.OpenAI) -> None:
    assert chat.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=8).choices[0].text
    streamed = chat.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=8, stream=True)
    assert "".join(piece.choices[0].text for piece in streamed if piece.choices)


def test_models_are_listed_in_both_vendors_shapes(chat: openai.OpenAI, messages: anthropic.Anthropic) -> None:
    assert [model.id for model in chat.models.list()] == [MODEL]
    assert [model.id for model in messages.models.list()] == [MODEL]


def test_anthropic_whole_streamed_and_counted(messages: anthropic.Anthropic) -> None:
    whole = messages.messages.create(model=MODEL, max_tokens=20, messages=[{"role": "user", "content": HELLO}])
    assert whole.content[0].type == "text"
    assert whole.usage.output_tokens > 0
    with messages.messages.stream(model=MODEL, max_tokens=20, messages=[{"role": "user", "content": HELLO}]) as stream:
        assert "".join(stream.text_stream)
        assert stream.get_final_message().stop_reason in ("end_turn", "max_tokens")
    count = messages.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": HELLO}])
    assert 5 < count.input_tokens < 50


def test_embeddings_of_a_model_without_any_are_a_clear_refusal(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        chat.embeddings.create(model=MODEL, input="hello")
    assert caught.value.status_code == 501


def test_wrong_key_and_unknown_model_raise_what_the_vendors_would(gateway: GatewayProcess, chat: openai.OpenAI) -> None:
    stranger = openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key="sk-wrong-0123456789abcdef", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with pytest.raises(openai.NotFoundError):
        chat.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "x"}])
