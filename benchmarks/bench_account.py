"""What a call costs, and what is written about it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from support.chat import deployment
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.system.packaged_data import packaged_prices
from tianji_adapters.telemetry.call_log import CallLog
from tianji_adapters.telemetry.logs import KnownSecrets
from tianji_adapters.telemetry.prometheus import CallMetrics
from tianji_core.calls.chat import Json
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent
from tianji_core.calls.http import Headers
from tianji_core.calls.secret import Secret
from tianji_core.calls.usage import Usage
from tianji_core.dialects.anthropic_messages.usage import decode_usage as anthropic_usage
from tianji_core.dialects.openai_chat.usage import decode_usage as openai_usage
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.cost import cost, general_cost
from tianji_core.pricing.prices import PriceTable, price_table
from tianji_core.spend.journal_entries import Kind, Settled
from tianji_core.spend.journal_frames import FRAME_HEADER_BYTES, FrameEncoder
from tianji_core.spend.record import SpendRecord
from tianji_core.translation.answer_headers import AnswerFacts, answer_headers

AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_NS = 1_767_225_600_000_000_000
USAGE = Usage(input_text=210, cache_read=1024, output_text=97, reasoning=40)


@pytest.fixture(scope="session")
def prices() -> PriceTable:
    """The packaged table."""
    packaged = packaged_prices()
    return price_table(package=packaged.entries, date=packaged.date, corrections=packaged.corrections)


@pytest.mark.parametrize("compute", [cost, general_cost], ids=["in integers", "in decimals"])
def bench_price_of_a_call(benchmark: BenchmarkFixture, prices: PriceTable, compute: Callable[..., Cost]) -> None:
    target, adjustments = deployment(), Adjustments()

    def price() -> int:
        entry = prices.resolve(target, "gpt-4o-2024-08-06")
        return compute(USAGE, entry, provider="openai", trusts_cost=False, custom=False, at=AT, adjustments=adjustments).total_nano

    assert benchmark(price) > 0


OPENAI = {
    "prompt_tokens": 1234,
    "completion_tokens": 137,
    "total_tokens": 1371,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 0, "accepted_prediction_tokens": 0},
}
ANTHROPIC = {
    "input_tokens": 210,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 1024,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 97,
    "service_tier": "standard",
}


@pytest.mark.parametrize(
    ("decode", "value"),
    [(openai_usage, OPENAI), (openai_usage, {**OPENAI, "of_another": 1}), (anthropic_usage, ANTHROPIC)],
    ids=["openai", "like openai", "anthropic"],
)
def bench_usage_of_a_call(benchmark: BenchmarkFixture, decode: Callable[[Json], Usage], value: Json) -> None:
    assert benchmark(decode, value).cache_read == 1024


def bench_headers_of_an_answer(benchmark: BenchmarkFixture) -> None:
    def headers() -> Headers:
        facts = AnswerFacts(
            call_id="01936f6c-0000-7000-8000-000000000001",
            deployment_id="d1",
            model_group="fast",
            model="gpt-4o",
            cost=Cost(total_nano=3_175_000),
            key_spend_nano=123_456_789,
            started_at_ns=AT_NS,
            ended_at_ns=AT_NS + 1,
            version="1.0",
        )
        return answer_headers(facts, envelope="openai", length=850, twins=True)

    assert ("x-tianji-response-cost", "0.003175") in benchmark(headers)


@pytest.fixture(scope="session")
def event() -> CallEvent:
    """What a streamed call tells the world."""
    return CallEvent(
        call_id="01936f6c-0000-7000-8000-000000000001",
        operation="chat",
        surface="openai_chat",
        route="/v1/chat/completions",
        stream=True,
        model_asked="fast",
        model_group="fast",
        model="gpt-4o",
        model_response="gpt-4o-2024-08-06",
        provider="openai",
        deployment_id="d1",
        server_address="api.openai.com",
        started_at_ns=AT_NS,
        upstream_started_at_ns=AT_NS + 1_000_000,
        first_chunk_at_ns=AT_NS + 300_000_000,
        ended_at_ns=AT_NS + 2_000_000_000,
        key_id="k1",
        key_hash="0" * 64,
        key_alias="alice",
        client_ip="192.0.2.1",
        usage=USAGE,
        usage_source="provider",
        status="ok",
        http_status=200,
        finish_reasons=("stop",),
    )


def bench_log_line_of_a_call(benchmark: BenchmarkFixture, event: CallEvent) -> None:
    log = CallLog(KnownSecrets([Secret("sk-upstream-key-of-a-provider"), Secret("sk-master-0123456789abcdef")]), None)
    assert b'"call_id"' in benchmark(log.line, event)


@pytest.mark.parametrize("litellm_names", [False, True], ids=["ours", "litellm's too"])
def bench_metrics_of_a_call(benchmark: BenchmarkFixture, event: CallEvent, litellm_names: bool) -> None:
    metrics = CallMetrics(FixedClock())
    metrics.follow(known_models=frozenset({"fast"}), litellm_names=litellm_names)
    benchmark(metrics.call_finished, event)
    assert b'model_group="fast"' in metrics.render(None)[1]


def bench_journal_frame_of_a_call(benchmark: BenchmarkFixture, event: CallEvent) -> None:
    frames = FrameEncoder(0x0A1B2C3D)
    settled = Settled(call_id=event.call_id, records=(SpendRecord(seq=0, event=event),))
    assert len(benchmark(frames.encode, Kind.SETTLE, settled)) > FRAME_HEADER_BYTES
