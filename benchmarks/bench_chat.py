"""One chat on its way: a caller's body, the body for a provider and the streamed answer, within each dialect and between both."""

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from support.chat import FACTS, deployment
from tianji_core.providers.anthropic import PROVIDER as ANTHROPIC
from tianji_core.providers.openai import PROVIDER as OPENAI
from tianji_core.surfaces.anthropic_messages import SURFACE as MESSAGES
from tianji_core.surfaces.openai_chat import SURFACE as CHAT
from tianji_core.translation.path import CanonicalStream
from tianji_core.translation.undecoded import read_body
from tianji_core.wire.json import decode_object

SURFACES = {"openai": CHAT, "anthropic": MESSAGES}
PROVIDERS = {"openai": OPENAI, "anthropic": ANTHROPIC}
MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}


@pytest.fixture(params=["short", "long"])
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SURFACES)
def asked(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def body(request: pytest.FixtureRequest, size: str, asked: str) -> bytes:
    found: bytes = request.getfixturevalue(f"{size}_{asked}")
    return found


def bench_decoding_of_a_callers_body(benchmark: BenchmarkFixture, asked: str, body: bytes) -> None:
    codec = SURFACES[asked].codec
    decoded = benchmark(lambda: codec.decode(decode_object(body), None, ()))
    assert decoded.request.messages


@pytest.mark.parametrize("served", PROVIDERS)
def bench_encoding_for_a_provider(benchmark: BenchmarkFixture, asked: str, body: bytes, served: str) -> None:
    request = SURFACES[asked].codec.decode(decode_object(body), None, ()).request
    codec: Any = PROVIDERS[served].chat
    target = deployment(provider=served, model=MODELS[served])
    assert benchmark(lambda: codec.encode(request, target, FACTS).http.body)


def bench_reading_of_a_body_that_keeps_its_bytes(benchmark: BenchmarkFixture, asked: str, body: bytes) -> None:
    codec = SURFACES[asked].codec
    assert benchmark(lambda: read_body(codec, body, None, ())).raw is not None


def bench_encoding_of_a_body_that_keeps_its_bytes(benchmark: BenchmarkFixture, asked: str, body: bytes) -> None:
    raw = read_body(SURFACES[asked].codec, body, None, ()).raw
    codec: Any = PROVIDERS[asked].chat
    target = deployment(provider=asked, model=MODELS[asked])
    assert benchmark(lambda: codec.encode_raw(raw, target, FACTS).http.body)


@pytest.mark.parametrize("size", ["long"])
@pytest.mark.parametrize("served", PROVIDERS)
def bench_relay_of_a_hundred_events(
    benchmark: BenchmarkFixture, request: pytest.FixtureRequest, asked: str, body: bytes, served: str
) -> None:
    pieces: tuple[bytes, ...] = request.getfixturevalue(f"{served}_stream")
    surface = SURFACES[asked].codec
    decoded = surface.decode(decode_object(body), None, ())
    codec: Any = PROVIDERS[served].chat
    memo = codec.encode(decoded.request, deployment(provider=served, model=MODELS[served]), FACTS).memo

    def relay() -> bytes:
        path = CanonicalStream(codec.stream(memo), surface.stream(decoded.memo))
        events = [event for piece in pieces for event in path.feed(piece)]
        return b"".join(event.data for event in (*events, *path.close()))

    assert benchmark(relay).count(b" word") == sum(b" word" in piece for piece in pieces)
