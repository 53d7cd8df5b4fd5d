"""Framing of event streams."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tianji_core.wire.sse import SseDecoder, encode_event


@pytest.mark.parametrize("cut", [0, 1, 1024], ids=["by event", "by byte", "by kilobyte"])
def bench_sse_decoding_of_a_hundred_events(benchmark: BenchmarkFixture, openai_stream: tuple[bytes, ...], cut: int) -> None:
    whole = b"".join(openai_stream)
    pieces = [whole[start : start + cut] for start in range(0, len(whole), cut)] if cut else openai_stream

    def decode() -> int:
        decoder = SseDecoder()
        return sum(len(decoder.feed(piece)) for piece in pieces)

    assert benchmark(decode) == len(openai_stream)


def bench_sse_encoding_of_an_event(benchmark: BenchmarkFixture, openai_stream: tuple[bytes, ...]) -> None:
    data = openai_stream[1][6:-2]
    assert benchmark(encode_event, data) == openai_stream[1]
