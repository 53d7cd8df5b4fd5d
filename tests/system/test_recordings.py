"""Every recorded chat exchange twice through the real gateway, with the vendors' own SDKs as clients and as oracles.

The oracle is the vendor's SDK reading the recording itself. Through the gateway the same SDK (in the exchange's own dialect) and the other
vendor's (crossed) must read the same text, tool calls, reasoning and signatures, citations, finish reason and usage.
"""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import msgspec
import openai
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from support import recordings
from support.chat import FACTS, deployment
from support.gateway import MASTER_KEY, GatewayProcess, running_gateway
from support.recordings import Exchange, short_id
from support.replay import ReplayServer, replaying
from support.seen import Seen, of_chunks, of_completion, of_message, of_message_events
from tianji_app.catalog import all_providers
from tianji_core.surfaces.anthropic_messages import SURFACE as MESSAGES
from tianji_core.surfaces.openai_chat import SURFACE as CHAT

pytestmark = [pytest.mark.recordings, pytest.mark.xdist_group("recordings")]

OPENAI_LIKE = ("openai", "groq", "deepseek", "cerebras", "zai")


def _collect() -> list[Exchange]:
    if not recordings.available():
        return []
    found = [one for provider in OPENAI_LIKE for one in recordings.exchanges(provider, "/chat/completions")]
    return [*found, *recordings.exchanges("anthropic", "/v1/messages")]


EXCHANGES = _collect()
FAILING = [one for one in EXCHANGES if b'data: {"error"' in one.body]
"""Streams that end in an error event: their SDK raises, and so must it through the gateway."""
GOOD = [one for one in EXCHANGES if one.status == 200 and one not in FAILING]
BAD = [one for one in EXCHANGES if one.status != 200]
COUNTS = list(recordings.exchanges("anthropic", "/count_tokens")) if recordings.available() else []
EMBEDDINGS = list(recordings.exchanges("openai", "/embeddings")) if recordings.available() else []
ALL = [*EXCHANGES, *COUNTS, *EMBEDDINGS]
STREAMS = [one for one in GOOD if one.is_stream]


def _config(upstream: str) -> str:
    entries = []
    for number, exchange in enumerate(ALL):
        for suffix, path in (("", ""), *((f"-cut{seed}", f"/cut/{seed}") for seed in range(5) if exchange.is_stream)):
            model = (exchange.request or {}).get("model", "m")
            parameters = {
                "model": f"{exchange.provider}/{model}",
                "api_base": f"{upstream}/{number}{path}/v1",
                "api_key": "sk-upstream-key",
                "drop_params": True,
                "max_retries": 0,
            }
            entries.append({"model_name": f"ex-{number}{suffix}", "litellm_params": parameters})
    settings = {
        "model_list": entries,
        "general_settings": {"master_key": MASTER_KEY},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }
    return json.dumps(settings)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ReplayServer]:
    with replaying(ALL) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(upstream: ReplayServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with running_gateway(tmp_path_factory.mktemp("recordings") / "data", config=_config(upstream.url)) as running:
        yield running


def _openai_client(base_url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=base_url, api_key=MASTER_KEY, max_retries=0, timeout=30)


def _anthropic_client(base_url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=base_url, api_key=MASTER_KEY, max_retries=0, timeout=30)


def _ask_openai(base_url: str, body: dict[str, Any]) -> Seen:
    with _openai_client(base_url) as client:
        if body.get("stream"):
            stream = client.post(
                "/chat/completions", body=body, cast_to=ChatCompletion, stream=True, stream_cls=openai.Stream[ChatCompletionChunk]
            )
            return of_chunks(stream)
        return of_completion(client.post("/chat/completions", body=body, cast_to=ChatCompletion))


def _ask_anthropic(base_url: str, body: dict[str, Any]) -> Seen:
    with _anthropic_client(base_url) as client:
        if body.get("stream"):
            stream = client.post(
                "/v1/messages", body=body, cast_to=Message, stream=True, stream_cls=anthropic.Stream[RawMessageStreamEvent]
            )
            return of_message_events(stream)
        return of_message(client.post("/v1/messages", body=body, cast_to=Message))


def _oracle(upstream: ReplayServer, exchange: Exchange) -> Seen:
    base_url = f"{upstream.url}/{ALL.index(exchange)}"
    if exchange.provider == "anthropic":
        return _ask_anthropic(base_url, exchange.request)
    return _ask_openai(f"{base_url}/v1", exchange.request)


def _own(gateway: GatewayProcess, exchange: Exchange, model: str) -> Seen:
    body = {**exchange.request, "model": model}
    if exchange.provider == "anthropic":
        return _ask_anthropic(gateway.base_url, body)
    if body.get("stream"):
        body["stream_options"] = {"include_usage": True}
    return _ask_openai(f"{gateway.base_url}/v1", body)


def _crossed(gateway: GatewayProcess, exchange: Exchange, model: str) -> Seen:
    body = {**_translated(exchange), "model": model}
    if exchange.provider == "anthropic":
        if body.get("stream"):
            body["stream_options"] = {"include_usage": True}
        return _ask_openai(f"{gateway.base_url}/v1", body)
    return _ask_anthropic(gateway.base_url, body)


def _translated(exchange: Exchange) -> dict[str, Any]:
    """Return the recorded request as a client of the other dialect would have written it."""
    surface, name = (MESSAGES, "openai") if exchange.provider == "anthropic" else (CHAT, "anthropic")
    request = surface.codec.decode(json.loads(json.dumps(exchange.request)), None, ()).request
    request = msgspec.structs.replace(request, rest=None)  # a vendor's own parameters are not written by clients of the other
    target = deployment(provider=name, model="m", parameter_mode="drop")
    codec: Any = all_providers()[name].chat
    body: dict[str, Any] = json.loads(codec.encode(request, target, FACTS).http.body)
    return body


def _check(seen: Seen, oracle: Seen, *, usage: bool = True) -> None:
    for name in ("text", "thinking", "signatures", "redacted", "calls", "citations", "finish", "refusal"):
        assert getattr(seen, name) == getattr(oracle, name), name
    if usage and oracle.usage is not None:
        assert seen.usage == oracle.usage


@pytest.mark.parametrize("exchange", GOOD, ids=short_id)
def test_sdk_of_the_same_dialect_reads_what_it_reads_upstream(exchange: Exchange, upstream: ReplayServer, gateway: GatewayProcess) -> None:
    _check(_own(gateway, exchange, f"ex-{ALL.index(exchange)}"), _oracle(upstream, exchange))


@pytest.mark.parametrize("exchange", GOOD, ids=short_id)
def test_sdk_of_the_other_dialect_reads_the_same(exchange: Exchange, upstream: ReplayServer, gateway: GatewayProcess) -> None:
    oracle = _oracle(upstream, exchange)
    seen = _crossed(gateway, exchange, f"ex-{ALL.index(exchange)}")
    if exchange.provider != "anthropic":
        _fit_to_messages(oracle)
    _check(seen, oracle)


def _fit_to_messages(oracle: Seen) -> None:
    """Change what the Messages dialect says differently: a refusal is text there."""
    if oracle.refusal:
        oracle.text, oracle.refusal = oracle.text + oracle.refusal, ""


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("exchange", STREAMS, ids=short_id)
def test_stream_in_pieces_reads_the_same(exchange: Exchange, seed: int, upstream: ReplayServer, gateway: GatewayProcess) -> None:
    _check(_own(gateway, exchange, f"ex-{ALL.index(exchange)}-cut{seed}"), _oracle(upstream, exchange))


@pytest.mark.parametrize("exchange", FAILING, ids=short_id)
def test_error_inside_a_stream_is_raised_by_the_sdks_of_both_vendors(
    exchange: Exchange, upstream: ReplayServer, gateway: GatewayProcess
) -> None:
    model = f"ex-{ALL.index(exchange)}"
    with pytest.raises(openai.APIError) as oracle:
        _oracle(upstream, exchange)
    with pytest.raises(openai.APIError) as own:
        _own(gateway, exchange, model)
    with pytest.raises(anthropic.APIError) as crossed:
        _crossed(gateway, exchange, model)
    assert oracle.value.message in own.value.message
    assert oracle.value.message in str(crossed.value)


@pytest.mark.parametrize("exchange", BAD, ids=short_id)
def test_upstreams_refusal_has_the_status_of_the_error_table(exchange: Exchange, gateway: GatewayProcess) -> None:
    expected = {400: 400, 404: 502}[exchange.status]
    with pytest.raises((anthropic.APIStatusError, openai.APIStatusError)) as caught:
        _own(gateway, exchange, f"ex-{ALL.index(exchange)}")
    assert isinstance(caught.value, anthropic.APIStatusError | openai.APIStatusError)
    assert caught.value.status_code == expected
    assert exchange.provider in str(caught.value)


@pytest.mark.parametrize("exchange", COUNTS, ids=short_id)
def test_token_count_is_the_providers(exchange: Exchange, gateway: GatewayProcess) -> None:
    with _anthropic_client(gateway.base_url) as client:
        count = client.messages.count_tokens(**{**_countable(exchange.request), "model": f"ex-{ALL.index(exchange)}"})
    assert count.input_tokens == json.loads(exchange.body)["input_tokens"]


def _countable(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name in ("messages", "system", "tools", "tool_choice", "thinking")}


@pytest.mark.parametrize("exchange", EMBEDDINGS, ids=short_id)
def test_embeddings_read_the_same(exchange: Exchange, upstream: ReplayServer, gateway: GatewayProcess) -> None:
    number = ALL.index(exchange)
    given = {name: value for name, value in exchange.request.items() if name in ("input", "dimensions", "encoding_format")}
    with _openai_client(f"{gateway.base_url}/v1") as ours, _openai_client(f"{upstream.url}/{number}/v1") as direct:
        seen = ours.embeddings.create(model=f"ex-{number}", **given)
        oracle = direct.embeddings.create(model="m", **given)
    assert [item.embedding for item in seen.data] == [item.embedding for item in oracle.data]
    assert seen.usage == oracle.usage


def test_counts_are_those_of_the_recordings(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(
            f"\nrecordings: {len(ALL)} exchanges ({len(GOOD)} answers in both dialects, "
            f"{len(STREAMS)} of them streams, each also cut 5 times; "
            f"{len(BAD)} refusals, {len(COUNTS)} token counts, {len(EMBEDDINGS)} embeddings)"
        )
    assert len(ALL) >= 250
