"""What a call costs, and what is written about it."""

from datetime import UTC, datetime

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from support.chat import deployment
from tianji_adapters.system.packaged_data import packaged_prices
from tianji_adapters.telemetry.logs import call_fields
from tianji_core.calls.events import CallEvent
from tianji_core.calls.redaction import scrubber
from tianji_core.calls.usage import Usage
from tianji_core.pricing.adjustments import Adjustments
from tianji_core.pricing.cost import cost
from tianji_core.pricing.prices import PriceTable, price_table
from tianji_core.spend.journal_entries import Kind, Settled
from tianji_core.spend.journal_frames import FRAME_HEADER_BYTES, FrameEncoder
from tianji_core.spend.record import SpendRecord
from tianji_core.wire.json import encode

AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_NS = 1_767_225_600_000_000_000
USAGE = Usage(input_text=210, cache_read=1024, output_text=97, reasoning=40)


@pytest.fixture(scope="session")
def prices() -> PriceTable:
    """The packaged table."""
    packaged = packaged_prices()
    return price_table(package=packaged.entries, date=packaged.date, corrections=packaged.corrections)


def bench_price_of_a_call(benchmark: BenchmarkFixture, prices: PriceTable) -> None:
    target, adjustments = deployment(), Adjustments()

    def price() -> int:
        entry = prices.resolve(target, "gpt-4o-2024-08-06")
        return cost(USAGE, entry, provider="openai", trusts_cost=False, custom=False, at=AT, adjustments=adjustments).total_nano

    assert benchmark(price) > 0


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
    scrub = scrubber(["sk-upstream-key-of-a-provider", "sk-master-0123456789abcdef"])
    line = benchmark(lambda: encode({name: scrub.value(value) for name, value in call_fields(event).items()}))
    assert b'"call_id"' in line


def bench_journal_frame_of_a_call(benchmark: BenchmarkFixture, event: CallEvent) -> None:
    frames = FrameEncoder("0a1b2c3d")
    settled = Settled(call_id=event.call_id, records=(SpendRecord(seq=0, event=event),))
    assert len(benchmark(frames.encode, Kind.SETTLE, settled)) > FRAME_HEADER_BYTES
