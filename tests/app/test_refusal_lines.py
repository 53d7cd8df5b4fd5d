"""A flood of refused calls is no flood of lines, and the lines that are missing are counted."""

from dataclasses import dataclass

import anyio
import msgspec
import pytest
import trio.testing
from structlog.testing import capture_logs

from support.gateway_parts import EventList, FlowClock
from tianji_app.refusal_lines import MOST_LINES_A_SECOND, RefusalLines
from tianji_core.calls.events import CallEvent, EventError

pytestmark = pytest.mark.anyio
REFUSED = CallEvent(
    call_id="1", operation="chat", surface="openai_chat", route="/v1", model_asked="m", started_at_ns=0, ended_at_ns=1, status="error",
    http_status=503, error=EventError(type="overloaded"),
)  # fmt: skip
FLOOD = 10 * MOST_LINES_A_SECOND


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@dataclass(slots=True)
class StillClock:
    """Stands where it is put."""

    seconds: float = 0.0

    def now_ns(self) -> int:
        return round(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.seconds


async def test_lines_of_a_flood_are_left_out_and_counted() -> None:
    sink, clock = EventList(), StillClock()
    lines = RefusalLines(sink, clock)
    for _ in range(FLOOD):
        lines.call_finished(REFUSED)
    assert len(sink.events) == MOST_LINES_A_SECOND
    clock.seconds = 1.0
    with capture_logs() as told:
        lines.tell()
        lines.tell()
    assert [(line["error_type"], line["left_out"]) for line in told] == [("overloaded", FLOOD - MOST_LINES_A_SECOND)]


async def test_one_kind_of_refusal_does_not_silence_another() -> None:
    sink = EventList()
    lines = RefusalLines(sink, StillClock())
    for _ in range(FLOOD):
        lines.call_finished(REFUSED)
    other = msgspec.structs.replace(REFUSED, error=EventError(type="authentication"))
    lines.call_finished(other)
    assert sink.events[-1] == other


@pytest.mark.parametrize(
    "event", [msgspec.structs.replace(REFUSED, error=None), msgspec.structs.replace(REFUSED, upstream_started_at_ns=1)]
)
async def test_line_of_a_call_that_went_up_or_came_to_an_answer_is_never_left_out(event: CallEvent) -> None:
    sink = EventList()
    lines = RefusalLines(sink, StillClock())
    for _ in range(FLOOD):
        lines.call_finished(event)
    assert len(sink.events) == FLOOD


async def test_what_was_left_out_is_told_though_nothing_else_happens() -> None:
    lines = RefusalLines(EventList(), FlowClock())
    with capture_logs() as told:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lines.run)
            for _ in range(FLOOD):
                lines.call_finished(REFUSED)
            await anyio.sleep(5)
            tasks.cancel_scope.cancel()
    assert [line["left_out"] for line in told] == [FLOOD - MOST_LINES_A_SECOND]
