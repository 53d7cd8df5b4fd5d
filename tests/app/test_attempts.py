"""Attempts of one call on a simulated clock: retries, pauses, fallbacks, and the one deadline over all of them."""

import contextlib
from typing import Any

import anyio
import pytest
import trio.testing

from support.gateway_parts import chat_body, deployment, fetch, inbound, leave_when, make_parts
from support.provider_answers import DONE, ROLE, USAGE, chunk, good_stream, refusal, stream, usage_chunk, whole
from support.scripted_transport import HANG, Script
from tianji_core.errors import (
    AllCoolingDownError,
    DeadlineExceededError,
    InvalidRequestError,
    UpstreamAuthenticationError,
    UpstreamError,
    UpstreamRateLimitedError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from tianji_core.routing.settings import RouterSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


async def seconds_of(call: Any) -> float:
    """Wait for a call; return how long it took."""
    began = anyio.current_time()
    await call
    return anyio.current_time() - began


async def test_failed_call_goes_to_another_deployment_at_once() -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2))
    parts.answer("a", refusal(500))
    parts.answer("b", whole())
    assert await seconds_of(fetch(parts)) == 0
    assert parts.transport.hosts == ["a", "b"]
    event = parts.event
    assert (event.retries, event.fallbacks, event.deployment_id, event.status) == (1, 0, "b", "ok")
    assert [(attempt.deployment_id, attempt.outcome, attempt.status) for attempt in event.attempts] == [
        ("a", "unbilled", 500),
        ("b", "billed", None),
    ]
    assert event.attempts[0].error is not None
    assert event.attempts[0].error.type == "upstream_unavailable"


async def test_connection_of_a_failed_attempt_is_closed_before_the_next_one() -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2))
    parts.answer("a", refusal(500))
    parts.answer("b", whole())
    await fetch(parts)
    assert parts.log == ["opened", "sent a", "closed a", "sent b", "settled", "closed b"]


async def test_provider_that_says_when_is_asked_again_then() -> None:
    parts = make_parts()
    parts.answer("a", refusal(429, headers=(("retry-after", "4"),)), whole())
    elapsed = await seconds_of(fetch(parts))
    assert 4 <= elapsed <= 5
    assert [sent.at for sent in parts.transport.sent][1] - parts.transport.sent[0].at == pytest.approx(elapsed)
    assert parts.event.retries == 1


async def test_pause_that_does_not_fit_the_deadline_is_not_waited_for() -> None:
    parts = make_parts()
    parts.answer("a", refusal(429, headers=(("retry-after", "30"),)))
    began = anyio.current_time()
    with pytest.raises(UpstreamRateLimitedError) as raised:
        await fetch(parts, inbound(chat_body(timeout=10)))
    assert anyio.current_time() == began
    assert raised.value.retry_after_seconds == 30
    assert parts.event.http_status == 429


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_caller_decides_how_often_it_is_tried(retries: int) -> None:
    parts = make_parts(router=RouterSettings(cooldown_seconds=0))
    parts.answer("a", refusal(500))
    with pytest.raises(UpstreamUnavailableError):
        await fetch(parts, inbound(chat_body(num_retries=retries)))
    assert len(parts.transport.sent) == len(parts.event.attempts) == retries + 1
    assert parts.event.retries == retries


async def test_callers_own_fault_is_not_tried_again() -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2))
    parts.answer("a", refusal(400))
    with pytest.raises(InvalidRequestError):
        await fetch(parts)
    assert parts.transport.hosts == ["a"]


async def test_fallback_group_serves_under_its_own_name() -> None:
    router = RouterSettings(num_retries=0, fallbacks={"fast": ("slow",)})
    parts = make_parts(deployment("a"), deployment("b", "slow", model="gpt-4o"), router=router)
    parts.answer("a", refusal(500))
    parts.answer("b", whole())
    answer = await fetch(parts)
    assert answer.json["model"] == "slow"
    assert (answer.header("x-tianji-model-group"), answer.header("x-tianji-attempted-fallbacks")) == ("slow", "1")
    event = parts.event
    assert (event.model_asked, event.model_group, event.fallbacks, event.retries) == ("fast", "slow", 1, 0)


async def test_streamed_fallback_shows_the_group_that_serves() -> None:
    router = RouterSettings(num_retries=0, fallbacks={"fast": ("slow",)})
    parts = make_parts(deployment("a"), deployment("b", "slow"), router=router)
    parts.answer("a", refusal(503))
    parts.answer("b", good_stream("Hi"))
    answer = await fetch(parts, inbound(chat_body(stream=True)))
    assert {chunk["model"] for chunk in answer.chunks} == {"slow"}


async def test_long_input_goes_to_the_group_with_the_longer_window() -> None:
    router = RouterSettings(context_window_fallbacks={"fast": ("long",)})
    parts = make_parts(deployment("a"), deployment("b", "long"), router=router)
    parts.answer("a", refusal(400, "maximum context length is 8192 tokens", code="context_length_exceeded"))
    parts.answer("b", whole())
    assert (await fetch(parts)).json["model"] == "long"


async def test_where_everything_failed_the_caller_gets_the_error_of_its_own_group() -> None:
    router = RouterSettings(num_retries=0, fallbacks={"fast": ("slow",)})
    parts = make_parts(deployment("a"), deployment("b", "slow"), router=router)
    parts.answer("a", refusal(500, "from a"))
    parts.answer("b", refusal(429, "from b"))
    with pytest.raises(UpstreamUnavailableError, match="from a"):
        await fetch(parts)
    assert [attempt.model_group for attempt in parts.event.attempts] == ["fast", "slow"]


async def test_resting_deployments_are_not_asked() -> None:
    parts = make_parts(deployment("a"), deployment("b"), router=RouterSettings(num_retries=1))
    for host in "ab":
        parts.answer(host, refusal(401))
    for _ in range(2):
        with pytest.raises(Exception, match=r"refused|no deployment|no"):
            await fetch(parts)
    assert len(parts.transport.sent) == 2
    assert parts.events[1].error is not None
    assert parts.events[1].error.code == AllCoolingDownError.default_code
    assert [row.cost.total_nano for row in await parts.rows()] == [0, 0]


async def test_good_answer_makes_up_for_the_failure_before_it() -> None:
    parts = make_parts(router=RouterSettings(num_retries=0, allowed_fails=2))
    parts.answer("a", refusal(500), whole(), refusal(500), refusal(500))
    resting = []
    for _ in range(4):
        with contextlib.suppress(UpstreamUnavailableError):
            await fetch(parts)
        resting.append(parts.gateway.admit.cooldown.resting(now=anyio.current_time()))
    assert resting == [set(), set(), set(), {"a"}]


async def test_callers_own_bad_key_is_not_held_against_the_deployment() -> None:
    parts = make_parts(deployment("a", client_credentials=frozenset({"api_key"})))
    parts.answer("a", refusal(401, "bad key"))
    for body, resting in ((chat_body(api_key="sk-mine"), set()), (chat_body(), {"a"})):
        with pytest.raises(UpstreamAuthenticationError):
            await fetch(parts, inbound(body))
        assert parts.gateway.admit.cooldown.resting(now=anyio.current_time()) == resting


# --- one deadline -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
async def test_deadline_is_the_callers_and_covers_every_attempt(is_stream: bool) -> None:
    parts = make_parts(*(deployment(name) for name in "abcd"), router=RouterSettings(num_retries=9))
    for host in "abcd":
        parts.answer(host, Script(before=(4.0, UpstreamUnavailableError("reset"))))
    began = anyio.current_time()
    with pytest.raises(DeadlineExceededError):
        await fetch(parts, inbound(chat_body(timeout=10, stream=is_stream)))
    assert anyio.current_time() - began == pytest.approx(10)
    assert len(parts.transport.sent) == 3
    assert parts.transport.open_connections == 0
    event = parts.event
    assert (event.http_status, event.error.code if event.error else None) == (504, "deadline_exceeded")
    assert [attempt.outcome for attempt in event.attempts] == ["doubtful", "doubtful", "doubtful"]
    assert [attempt.error.code for attempt in event.attempts if attempt.error] == ["upstream_error", "upstream_error", "deadline_exceeded"]
    assert event.cost.total_nano == 0, "nobody knows whether the provider bills it"


async def test_header_gives_the_deadline_where_the_body_does_not() -> None:
    parts = make_parts()
    parts.answer("a", Script(before=(HANG,)))
    began = anyio.current_time()
    with pytest.raises(DeadlineExceededError):
        await fetch(parts, inbound(headers=(("x-tianji-timeout", "2.5"),)))
    assert anyio.current_time() - began == pytest.approx(2.5)


async def test_deadline_also_cuts_a_whole_answer_that_trickles() -> None:
    parts = make_parts(router=RouterSettings(timeout_seconds=10))
    parts.answer("a", Script(tuple(step for _ in range(100) for step in (b" ", 1.0))))
    with pytest.raises(DeadlineExceededError):
        await fetch(parts)


async def test_deployment_that_is_too_slow_by_its_own_limit_is_retried_elsewhere() -> None:
    parts = make_parts(deployment("a", order=1, timeout_seconds=3.0), deployment("b", order=2))
    parts.answer("a", Script(before=(HANG,)))
    parts.answer("b", whole())
    assert await seconds_of(fetch(parts)) == pytest.approx(3)
    first = parts.event.attempts[0]
    assert (first.outcome, first.error.code if first.error else None) == ("doubtful", "upstream_timeout")


async def test_deployments_own_limit_is_told_as_the_providers_time_out() -> None:
    parts = make_parts(deployment("a", timeout_seconds=3.0), router=RouterSettings(num_retries=0))
    parts.answer("a", Script(before=(HANG,)))
    with pytest.raises(UpstreamTimeoutError, match=r"openai did not answer within 3\.0 seconds"):
        await fetch(parts)
    assert (parts.event.http_status, parts.event.error.code if parts.event.error else None) == (504, "upstream_timeout")


async def test_callers_short_patience_is_not_held_against_the_deployment() -> None:
    parts = make_parts(deployment("a"), deployment("b"), router=RouterSettings(num_retries=0, allowed_fails=1))
    for host in "ab":
        parts.answer(host, Script(before=(2.0,), body=whole().body))
    for _ in range(6):
        with pytest.raises(DeadlineExceededError):
            await fetch(parts, inbound(chat_body(timeout=1)))
    assert parts.gateway.admit.cooldown.resting(now=anyio.current_time()) == frozenset()


async def test_transport_is_told_what_is_left() -> None:
    parts = make_parts(deployment("a", timeout_seconds=7.0))
    parts.answer("a", whole())
    await fetch(parts)
    (sent,) = parts.transport.sent
    assert sent.limits.first_byte_seconds == pytest.approx(7)
    assert sent.limits.idle_seconds >= 7


async def test_client_that_leaves_during_a_pause_pays_nothing() -> None:
    parts = make_parts()
    parts.answer("a", refusal(429, headers=(("retry-after", "20"),)), whole())
    await leave_when(parts, inbound(), lambda: parts.log[-1:] == ["closed a"])
    event = parts.event
    assert (event.status, event.cost.total_nano, event.usage_source) == ("cancelled", 0, "none")
    assert [attempt.outcome for attempt in event.attempts] == ["unbilled"]


# --- attempts that were billed ------------------------------------------------------------------------------------------


async def test_attempt_that_was_billed_and_failed_has_a_row_of_its_own() -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2))
    parts.answer("a", stream(ROLE, usage_chunk(), DONE))
    parts.answer("b", good_stream("Hi", usage={**USAGE, "completion_tokens": 7}))
    await fetch(parts, inbound(chat_body(stream=True)))
    call, earlier = await parts.rows()
    assert (call.seq, call.event.deployment_id, call.usage.output_total, call.event.status) == (0, "b", 7, "ok")
    assert (earlier.seq, earlier.event.deployment_id, earlier.usage.output_total, earlier.event.status) == (1, "a", 5, "error")
    assert (call.call_id, call.cost.total_nano, earlier.cost.total_nano) == (earlier.call_id, 95_000, 75_000)
    assert [attempt.outcome for attempt in call.event.attempts] == ["billed", "billed"]
    assert len(parts.events) == 1


async def test_last_attempt_that_was_billed_and_failed_is_the_calls_own_row() -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2), router=RouterSettings(num_retries=1))
    parts.answer("a", stream(ROLE, usage_chunk(), DONE))
    parts.answer("b", stream(ROLE, usage_chunk({**USAGE, "completion_tokens": 7}), DONE))
    with pytest.raises(UpstreamError, match="without content"):
        await fetch(parts, inbound(chat_body(stream=True)))
    rows = await parts.rows()
    assert [(row.seq, row.event.deployment_id, row.usage.output_total, row.cost.total_nano, row.event.status) for row in rows] == [
        (0, "b", 7, 95_000, "error"),
        (1, "a", 5, 75_000, "error"),
    ]
    assert rows[0].usage_source == "provider"
    assert [event.cost.total_nano for event in parts.events] == [95_000]


async def test_billed_attempt_before_one_that_costs_nothing_has_its_own_row() -> None:
    parts = make_parts(deployment("a", order=1), deployment("b", order=2), router=RouterSettings(num_retries=1))
    parts.answer("a", stream(ROLE, usage_chunk(), DONE))
    parts.answer("b", refusal(500))
    with pytest.raises(UpstreamError):
        await fetch(parts, inbound(chat_body(stream=True)))
    assert [(row.seq, row.event.deployment_id, row.cost.total_nano) for row in await parts.rows()] == [(0, "b", 0), (1, "a", 75_000)]


async def test_client_that_leaves_after_a_billed_attempt_pays_for_it_once() -> None:
    parts = make_parts()
    busy = b'data: {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}\n\n'
    parts.answer("a", stream(ROLE, usage_chunk(), busy))
    await leave_when(parts, inbound(chat_body(stream=True)), lambda: parts.log[-1:] == ["closed a"])
    (row,) = await parts.rows()
    assert (row.seq, row.event.status, row.cost.total_nano) == (0, "cancelled", 75_000)


async def test_bill_of_a_failed_attempt_is_not_written_again_for_the_next_one_that_is_never_sent() -> None:
    router = RouterSettings(num_retries=0, fallbacks={"fast": ("strict",)})
    parts = make_parts(deployment("a"), deployment("b", "strict", provider="anthropic", base_url="http://b"), router=router)
    parts.answer("a", stream(ROLE, usage_chunk(), DONE))
    with pytest.raises(Exception, match="without content"):
        await fetch(parts, inbound(chat_body(stream=True, seed=1, max_tokens=5)))
    rows = await parts.rows()
    assert [(row.seq, row.event.deployment_id, row.cost.total_nano) for row in rows] == [(0, "a", 75_000)]
    assert [attempt.outcome for attempt in rows[0].event.attempts] == ["billed", "unbilled"]


async def test_attempt_without_usage_or_content_costs_nothing() -> None:
    parts = make_parts(router=RouterSettings(num_retries=0))
    parts.answer("a", stream(ROLE, b'data: {"error": {"message": "busy", "type": "overloaded_error"}}\n\n', chunk("x")))
    with pytest.raises(UpstreamUnavailableError):
        await fetch(parts, inbound(chat_body(stream=True)))
    (row,) = await parts.rows()
    assert (row.cost.total_nano, row.usage_source, row.event.attempts[0].outcome) == (0, "none", "unbilled")
