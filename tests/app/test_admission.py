"""Admission of a call: holds, seeds, refusals, settlement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time

import anyio
import pytest

from support.keys import virtual_key
from support.limits import NS
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.memory.window_store import MemoryWindowStore
from tianji_app.call.admission import CallAdmission, Grant
from tianji_core.access.keys import KeyId
from tianji_core.access.limits import Limits
from tianji_core.access.principal import Principal
from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import Usage
from tianji_core.errors import BudgetExceededError, DependencyUnavailableError, RateLimitedError
from tianji_core.limits.answers import AdmissionAnswer, NeedSeed, Refused, WindowSpend
from tianji_core.limits.holds import Hold, Tokens
from tianji_core.limits.windows import BudgetWindow, Calendar

DAY = 86_400 * NS
TOKENS = Tokens(input=10, output=20)
DAILY = Limits(max_budget_nano=1_000, budget_duration="1d")

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass(slots=True)
class AskedStore(MemoryWindowStore):
    """Remembers what it was asked; `broken` or slow where told so."""

    asked: list[tuple[BudgetWindow, ...]] = field(default_factory=list)
    broken: bool = False
    gate: anyio.Event | None = None

    async def window_spend(self, windows: Sequence[BudgetWindow]) -> Mapping[BudgetWindow, WindowSpend]:
        self.asked.append(tuple(windows))
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise DependencyUnavailableError("the database is away")
        return await MemoryWindowStore.window_spend(self, windows)


def caller(**limits: object) -> Principal:
    return Principal(role="key", key=virtual_key(limits=Limits(**limits)))  # type: ignore[arg-type]


def daily() -> Principal:
    return Principal(role="key", key=virtual_key(limits=DAILY))


def make(store: AskedStore | None = None) -> CallAdmission:
    clock = FixedClock()
    return CallAdmission(MemoryCounters(clock), store or AskedStore(), clock)


async def window_of(admission: CallAdmission, principal: Principal) -> BudgetWindow:
    (window,) = await admission.spend(principal)
    return window


async def live(admission: CallAdmission, principal: Principal) -> tuple[int, int]:
    (found,) = (await admission.spend(principal)).values()
    assert found is not None
    return found.spent_nano, found.reserved_nano


async def test_call_without_limits_touches_nothing() -> None:
    store = AskedStore()
    admission = make(store)
    for principal in (Principal(role="proxy_admin"), caller()):
        grant = await admission.admit("a", principal, bound_nano=5, tokens=TOKENS)
        await admission.reserve(grant, 7)
        assert (grant.headers, grant.windows, grant.left_nano, store.asked) == ((), (), None, [])
        assert await admission.settle(grant, Usage(), Cost(total_nano=9)) == 0
        await admission.release(grant)


async def test_first_call_of_a_window_reads_what_is_stored_and_the_next_ones_do_not() -> None:
    store = AskedStore()
    admission = make(store)
    window = await window_of(admission, daily())
    store.put(WindowSpend(window=window, spent_nano=600, adjusted_nano=-100))
    grant = await admission.admit("a", daily(), bound_nano=300, tokens=TOKENS)
    assert (grant.windows, grant.reserved_nano, grant.left_nano) == ((window,), 300, 200)
    with pytest.raises(BudgetExceededError, match="reserved"):
        await admission.admit("b", daily(), bound_nano=300, tokens=TOKENS)
    assert store.asked == [(window,)]
    assert await live(admission, daily()) == (500, 300)


async def test_spend_is_told_as_it_is_counted_and_where_nobody_counts_as_it_is_stored() -> None:
    store = AskedStore()
    admission = make(store)
    counting, idle = daily(), Principal(role="key", key=virtual_key(limits=DAILY, id=KeyId("idle")))
    (window,) = await admission.spend(idle)
    store.put(WindowSpend(window=window, spent_nano=600, adjusted_nano=-100))
    grant = await admission.admit("a", counting, bound_nano=300, tokens=TOKENS)
    await admission.settle(grant, Usage(), Cost(total_nano=70))
    store.asked.clear()
    found = await admission.spent([counting, idle, caller(), Principal(role="proxy_admin")])
    assert found == {
        grant.windows[0].scope: WindowSpend(window=grant.windows[0], spent_nano=70),
        "k:idle": WindowSpend(window=window, spent_nano=600, adjusted_nano=-100),
    }
    assert store.asked == [(window,)], "one question, for what is not counted"
    await admission.counters.seed([WindowSpend(window=grant.windows[0], adjusted_nano=-20)])
    assert (await admission.spent([counting]))[grant.windows[0].scope].shown_nano == 50


async def test_stored_window_of_other_boundaries_is_told_while_it_lasts() -> None:
    store = AskedStore()
    admission = make(store)
    (window,) = await admission.spend(daily())
    assert window.ends_at_ns is not None
    began = BudgetWindow(scope=window.scope, limit_key="total", starts_at_ns=window.starts_at_ns - NS, ends_at_ns=window.ends_at_ns - NS)
    store.put(WindowSpend(window=began, spent_nano=5))
    assert (await admission.spent([daily()]))[window.scope] == WindowSpend(window=began, spent_nano=5)
    assert await window_of(admission, daily()) == began


async def test_window_in_which_nobody_has_spent_begins_at_zero() -> None:
    admission = make()
    await admission.admit("a", daily(), bound_nano=300, tokens=TOKENS)
    assert await live(admission, daily()) == (0, 300)


async def test_calls_that_need_the_same_seed_read_it_once() -> None:
    store = AskedStore(gate=anyio.Event())
    admission = make(store)

    async def call(name: str) -> None:
        await admission.admit(name, daily(), bound_nano=10, tokens=TOKENS)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(call, str(number))
        await anyio.wait_all_tasks_blocked()
        assert store.gate is not None
        store.gate.set()
    assert (len(store.asked), await live(admission, daily())) == (1, (0, 200))


async def test_call_that_leaves_while_the_seed_is_read_holds_nothing() -> None:
    store = AskedStore(gate=anyio.Event())
    admission = make(store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: admission.admit("a", daily(), bound_nano=10, tokens=TOKENS))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    store.gate = None
    await admission.admit("b", daily(), bound_nano=10, tokens=TOKENS)
    assert await live(admission, daily()) == (0, 10)


async def test_unreachable_store_refuses_the_call_and_leaves_nothing() -> None:
    store = AskedStore(broken=True)
    admission = make(store)
    with pytest.raises(DependencyUnavailableError):
        await admission.admit("a", caller(max_budget_nano=10, max_parallel=1), bound_nano=5, tokens=TOKENS)
    store.broken = False
    await admission.admit("b", caller(max_budget_nano=10, max_parallel=1), bound_nano=5, tokens=TOKENS)


async def test_call_whose_admission_was_never_answered_is_undone() -> None:
    @dataclass(slots=True)
    class Silent(MemoryCounters):
        silent: bool = False

        async def admit(self, call_id: str, holds: Sequence[Hold]) -> AdmissionAnswer:
            answer = await MemoryCounters.admit(self, call_id, holds)
            if self.silent:
                raise DependencyUnavailableError("no answer")
            return answer

    clock = FixedClock()
    counters = Silent(clock)
    admission = CallAdmission(counters, AskedStore(), clock)
    await admission.admit("a", daily(), bound_nano=5, tokens=TOKENS)
    counters.silent = True
    with pytest.raises(DependencyUnavailableError):
        await admission.admit("b", daily(), bound_nano=7, tokens=TOKENS)
    assert await live(admission, daily()) == (0, 5)


async def test_counters_that_forget_every_seed_refuse_the_call() -> None:
    @dataclass(slots=True)
    class Forgetful(MemoryCounters):
        async def admit(self, call_id: str, holds: Sequence[Hold]) -> AdmissionAnswer:
            return NeedSeed(windows=tuple(hold.window for hold in holds if hold.window is not None))

    clock = FixedClock()
    with pytest.raises(DependencyUnavailableError) as caught:
        await CallAdmission(Forgetful(clock), AskedStore(), clock).admit("a", daily(), bound_nano=5, tokens=TOKENS)
    assert caught.value.code == "budget_unavailable"


async def test_window_that_was_begun_before_the_reset_time_moved_goes_on() -> None:
    store = AskedStore()
    admission = make(store)
    now_ns = admission.clock.now_ns()
    begun = BudgetWindow(scope=f"k:{virtual_key().id}", limit_key="total", starts_at_ns=now_ns - DAY // 4, ends_at_ns=now_ns + DAY // 4)
    store.put(WindowSpend(window=begun, spent_nano=999))
    with pytest.raises(BudgetExceededError):
        await admission.admit("a", daily(), bound_nano=5, tokens=TOKENS, calendar=Calendar(reset_time=time(12)))
    assert await live(admission, daily()) == (999, 0)


async def test_stored_window_that_is_over_counts_no_more() -> None:
    store = AskedStore()
    admission = make(store)
    window = await window_of(admission, daily())
    over = BudgetWindow(scope=window.scope, limit_key="total", starts_at_ns=window.starts_at_ns - DAY, ends_at_ns=window.starts_at_ns)
    store.put(WindowSpend(window=over, spent_nano=999))
    await admission.admit("a", daily(), bound_nano=5, tokens=TOKENS)
    assert await live(admission, daily()) == (0, 5)


async def test_settlement_books_what_it_cost_and_says_what_was_not_held() -> None:
    admission = make()
    grant = await admission.admit("a", daily(), bound_nano=300, tokens=TOKENS)
    assert await admission.settle(grant, Usage(), Cost(total_nano=120)) == 0
    assert await live(admission, daily()) == (120, 0)
    grant = await admission.admit("b", daily(), bound_nano=300, tokens=TOKENS)
    assert await admission.settle(grant, Usage(), Cost(total_nano=320)) == 20
    assert await live(admission, daily()) == (440, 0)


async def test_further_attempts_extend_the_reservation_until_there_is_no_room() -> None:
    admission = make()
    grant = await admission.admit("a", daily(), bound_nano=300, tokens=TOKENS)
    await admission.reserve(grant, 600)
    assert (grant.reserved_nano, await live(admission, daily())) == (600, (0, 600))
    with pytest.raises(BudgetExceededError):
        await admission.reserve(grant, 1_100)
    assert (grant.reserved_nano, await live(admission, daily())) == (600, (0, 600))
    assert await admission.settle(grant, Usage(), Cost(total_nano=610)) == 10


async def test_call_that_was_refused_may_ask_for_less() -> None:
    admission = make()
    await admission.admit("a", daily(), bound_nano=700, tokens=TOKENS)
    answer = await admission.try_admit("b", daily(), bound_nano=400, tokens=TOKENS)
    assert isinstance(answer, Refused)
    assert answer.left == 300
    assert isinstance(await admission.try_admit("b", daily(), bound_nano=answer.left, tokens=TOKENS), Grant)
    assert await live(admission, daily()) == (0, 1_000)


async def test_spend_of_a_budget_that_nobody_counts_is_unknown() -> None:
    admission = make()
    assert list((await admission.spend(daily())).values()) == [None]
    assert await admission.spend(caller(rpm=3)) == {}


async def test_cost_of_a_call_that_ends_after_its_window_is_booked_to_it() -> None:
    admission = make()
    clock = admission.clock
    assert isinstance(clock, FixedClock)
    grant = await admission.admit("a", daily(), bound_nano=300, tokens=TOKENS)
    clock.advance(86_400)
    await admission.admit("b", daily(), bound_nano=1_000, tokens=TOKENS)
    await admission.settle(grant, Usage(), Cost(total_nano=200))
    assert (await admission.counters.spend(grant.windows))[grant.windows[0]].spent_nano == 200
    assert await live(admission, daily()) == (0, 1_000)


async def test_tokens_are_held_by_estimate_and_trued_up_by_usage() -> None:
    admission = make()
    grant = await admission.admit("a", caller(tpm=100, rpm=5), bound_nano=0, tokens=TOKENS)
    assert dict(grant.headers)["x-ratelimit-remaining-tokens"] == "70"
    await admission.settle(grant, Usage(input_text=4, cache_read=1, output_text=5), Cost())
    grant = await admission.admit("b", caller(tpm=100, rpm=5), bound_nano=0, tokens=Tokens())
    assert dict(grant.headers)["x-ratelimit-remaining-tokens"] == "90"
    assert dict(grant.headers)["x-ratelimit-remaining-requests"] == "3"


async def test_refusal_says_when_the_call_fits_and_then_it_does() -> None:
    admission = make()
    clock = admission.clock
    assert isinstance(clock, FixedClock)
    await admission.admit("a", caller(rpm=1), bound_nano=0, tokens=TOKENS)
    clock.advance(20.2)
    with pytest.raises(RateLimitedError) as caught:
        await admission.admit("b", caller(rpm=1), bound_nano=0, tokens=TOKENS)
    assert caught.value.retry_after_seconds is not None
    clock.advance(caught.value.retry_after_seconds + 0.001)
    await admission.admit("c", caller(rpm=1), bound_nano=0, tokens=TOKENS)


async def test_released_call_has_never_come() -> None:
    admission = make()
    grant = await admission.admit("a", caller(rpm=1, max_parallel=1), bound_nano=0, tokens=TOKENS)
    await admission.release(grant)
    await admission.admit("b", caller(rpm=1, max_parallel=1), bound_nano=0, tokens=TOKENS)
