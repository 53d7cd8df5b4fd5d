"""What a call holds of its key's limits while it runs, and what it gives back."""

from decimal import Decimal
from typing import Any

import anyio
import pytest

from support.gateway_parts import PRICES, Parts, chat_body, deployment, fetch, inbound, make_parts, virtual_key
from support.provider_answers import COST_NANO, refusal, stream, usage_chunk, whole
from tianji_core.access.limits import Limits
from tianji_core.access.principal import Principal
from tianji_core.calls.http import header
from tianji_core.errors import BudgetExceededError, LimitExceededError, RateLimitedError, UpstreamError
from tianji_core.limits.answers import LiveSpend
from tianji_core.limits.holds import Tokens
from tianji_core.routing.settings import RouterSettings

pytestmark = pytest.mark.anyio

USD = 1_000_000_000
GENEROUS = Limits(max_budget_nano=USD)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def limited(*deployments: Any, limits: Limits = GENEROUS, **more: Any) -> Parts:
    return make_parts(*deployments, keys=[virtual_key(limits=limits)], **more)


async def live(parts: Parts) -> LiveSpend | None:
    """Return what is counted in the one budget of the one key."""
    admission = parts.gateway.admit.reserve.admission
    (spend,) = (await admission.spend(Principal(role="key", key=parts.keys.living[next(iter(parts.keys.living))]))).values()
    return spend


async def test_key_without_limits_holds_nothing() -> None:
    parts = make_parts()
    parts.answer("a", whole())
    answer = await fetch(parts)
    assert not any(name.startswith("x-ratelimit") for name, _ in answer.headers)
    assert (await parts.row()).windows == ()


async def test_what_a_call_cost_is_spent_and_nothing_stays_held() -> None:
    parts = limited()
    parts.answer("a", whole())
    await fetch(parts, inbound(chat_body(max_tokens=5)))
    assert await live(parts) == LiveSpend(spent_nano=COST_NANO, reserved_nano=0)
    (window,) = (await parts.row()).windows
    assert (window.scope, window.limit_key) == (f"k:{virtual_key().id}", "total")


async def test_failed_call_gives_everything_back() -> None:
    parts = limited(router=RouterSettings(num_retries=0))
    parts.answer("a", refusal(500))
    with pytest.raises(UpstreamError):
        await fetch(parts, inbound(chat_body(max_tokens=5)))
    assert await live(parts) == LiveSpend(spent_nano=0, reserved_nano=0)


async def test_the_dearest_candidate_is_held_fallbacks_included() -> None:
    dear = {name: value * 100 for name, value in PRICES["gpt-4o"].items() if isinstance(value, Decimal)}
    router = RouterSettings(fallbacks={"fast": ("slow",)})
    parts = limited(deployment("a"), deployment("b", "slow", prices=dear), router=router, limits=Limits(max_budget_nano=USD // 100))
    with pytest.raises(BudgetExceededError):
        await fetch(parts, inbound(chat_body(max_tokens=100)))
    assert parts.transport.sent == []


async def test_no_refusal_rests_on_the_bytes_of_a_request() -> None:
    body = chat_body(max_tokens=5)
    body["messages"][0]["content"] = "word " * 2_000  # 2,000 tokens by the counter of this test, 10,000 bytes
    parts = limited(limits=Limits(max_budget_nano=(4_000 * 2_500)))
    parts.answer("a", whole())
    await fetch(parts, inbound(body))
    assert parts.counter.encodings


async def test_caller_who_leaves_while_the_tokens_are_counted_leaves_nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = limited(limits=Limits(max_budget_nano=USD // 10))

    async def never(*_: object) -> int:
        tasks.cancel_scope.cancel()
        await anyio.sleep_forever()
        return 0

    monkeypatch.setattr(type(parts.counter), "count", never)
    async with anyio.create_task_group() as tasks:
        await fetch(parts, inbound(chat_body(max_tokens=5_000)))
    spent = await live(parts)
    assert spent is not None
    assert spent.reserved_nano == 0


async def test_a_generous_budget_needs_no_count() -> None:
    parts = limited(limits=Limits(max_budget_nano=1_000 * USD))
    parts.answer("a", whole())
    await fetch(parts, inbound(chat_body(max_tokens=5)))
    assert parts.counter.encodings == []


async def test_an_answer_without_a_limit_is_limited_to_what_the_budget_pays_for() -> None:
    parts = limited(limits=Limits(max_budget_nano=50_000_000))  # 5,000 output tokens
    parts.answer("a", whole())
    answer = await fetch(parts)
    sent: Any = parts.transport.sent[0].body
    assert 4_000 < sent["max_tokens"] < 5_000
    assert header(answer.headers, "x-tianji-warning") == "output limited by budget"


async def test_a_callers_own_limit_is_never_lowered() -> None:
    parts = limited(limits=Limits(max_budget_nano=50_000_000))
    with pytest.raises(BudgetExceededError):
        await fetch(parts, inbound(chat_body(max_tokens=6_000)))


async def test_too_little_for_an_answer_worth_having_is_refused() -> None:
    parts = limited(limits=Limits(max_budget_nano=10_000_000))  # 1,000 output tokens
    with pytest.raises(BudgetExceededError):
        await fetch(parts)


async def test_answer_without_a_limit_that_only_running_calls_keep_out_may_come_again() -> None:
    parts = limited(limits=Limits(max_budget_nano=USD // 10))
    principal = Principal(role="key", key=next(iter(parts.keys.living.values())))
    await parts.gateway.admit.reserve.admission.admit("running", principal, bound_nano=USD // 10, tokens=Tokens())
    with pytest.raises(BudgetExceededError) as refused:
        await fetch(parts)
    assert (refused.value.code, refused.value.retry_after_seconds) == ("budget_reserved", 1.0)


async def test_an_attempt_after_a_billed_one_holds_another_bound() -> None:
    bill = {"prompt_tokens": 10, "completion_tokens": 5}
    parts = limited(deployment("a"), deployment("b"), limits=Limits(max_budget_nano=USD))
    for host in "ab":
        parts.answer(host, stream(usage_chunk(bill)), whole())
    with pytest.raises(UpstreamError):
        await fetch(parts, inbound(chat_body(stream=True, max_tokens=5)))
    spent = await live(parts)
    assert spent is not None
    assert spent.reserved_nano == 0
    assert spent.spent_nano == sum(row.cost.total_nano for row in await parts.rows())
    assert len(await parts.rows()) > 1


async def test_without_room_for_another_attempt_the_first_error_is_the_calls() -> None:
    bill = {"prompt_tokens": 10, "completion_tokens": 5}
    parts = limited(deployment("a"), deployment("b"), limits=Limits(max_budget_nano=3_500_000))
    for host in "ab":
        parts.answer(host, stream(usage_chunk(bill)))
    with pytest.raises(UpstreamError, match=r"without content|before its final event"):
        await fetch(parts, inbound(chat_body(stream=True, max_tokens=200)))
    assert len(parts.transport.sent) == 1


async def test_requests_are_limited_and_the_headers_say_what_is_left() -> None:
    parts = limited(limits=Limits(rpm=2))
    parts.answer("a", whole())
    first = await fetch(parts)
    assert (header(first.headers, "x-ratelimit-limit-requests"), header(first.headers, "x-ratelimit-remaining-requests")) == ("2", "1")
    await fetch(parts)
    with pytest.raises(LimitExceededError) as refused:
        await fetch(parts)
    assert isinstance(refused.value, RateLimitedError)
    assert (refused.value.retry_after_seconds or 0) > 50


async def test_counted_tokens_that_fit_are_not_refused_for_their_bytes() -> None:
    body = chat_body(max_tokens=5)
    body["messages"][0]["content"] = "word " * 1_000
    parts = limited(limits=Limits(tpm=1_500))
    parts.answer("a", whole(usage={"prompt_tokens": 1_000, "completion_tokens": 5}))
    await fetch(parts, inbound(body))
    with pytest.raises(LimitExceededError):
        await fetch(parts, inbound(body))


async def test_event_says_by_how_much_a_call_cost_more_than_it_held() -> None:
    parts = limited()
    parts.answer("a", whole(usage={"prompt_tokens": 1_000, "completion_tokens": 5_000}))
    await fetch(parts, inbound(chat_body(max_tokens=5)))
    row = await parts.row()
    spent = await live(parts)
    assert spent is not None
    assert parts.event.exceeded_nano > 0
    assert row.event.exceeded_nano == parts.event.exceeded_nano < spent.spent_nano


async def test_call_within_its_reservation_exceeds_nothing() -> None:
    for parts in (limited(), make_parts()):
        parts.answer("a", whole())
        await fetch(parts, inbound(chat_body(max_tokens=5)))
        assert parts.event.exceeded_nano == 0
