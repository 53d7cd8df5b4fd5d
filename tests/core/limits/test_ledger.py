"""The ledger: all or nothing, once each."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from support.limits import budget, parallel, requests, tokens, used, window_of
from tianji_core.limits.answers import Admitted, NeedSeed, Refused, WindowSpend
from tianji_core.limits.holds import Hold, Tokens
from tianji_core.limits.ledger import ENDED_SECONDS, Ledger

NOW = 1_000.0


def seeded(spent: int = 0) -> Ledger:
    ledger = Ledger()
    ledger.seed([WindowSpend(window=window_of(), spent_nano=spent)], now_ns=0)
    return ledger


def live(ledger: Ledger) -> tuple[int, int]:
    found = ledger.spend([window_of()])[window_of()]
    return found.spent_nano, found.reserved_nano


def room(ledger: Ledger, *holds: Hold, now: float = NOW) -> tuple[int, ...]:
    """Return what fits into counters, by asking for nothing and giving it back."""
    answer = ledger.admit(
        "probe", [Hold(kind=hold.kind, owner=hold.owner, limit=hold.limit, amount=0, window=hold.window) for hold in holds], now=now
    )
    assert isinstance(answer, Admitted)
    rooms = tuple(answer.rooms)
    ledger._running.pop("probe")
    for hold in holds:
        if hold.window is not None:
            ledger.counters.budgets[hold.window].open -= 1
        if hold.kind == "parallel":
            ledger.counters.leave(hold.owner.scope, "probe")
    return rooms


def test_call_takes_all_that_it_asks_for_and_says_what_is_left() -> None:
    ledger = seeded(100)
    holds = (requests(3), tokens(50, 20), parallel(2), budget(1_000, 300))
    answer = ledger.admit("a", holds, now=NOW)
    assert isinstance(answer, Admitted)
    assert (answer.holds, answer.remaining, answer.reset_seconds) == (holds, (2, 30, 1, 600), 60.5)
    assert room(ledger, *holds) == (2, 30, 1, 600)


@pytest.mark.parametrize("blocked", [requests(0), tokens(9, 10), parallel(0), budget(9, 10)])
def test_call_that_is_refused_anywhere_holds_nothing_anywhere(blocked: Hold) -> None:
    ledger = seeded()
    open_holds = [hold for hold in (requests(3), tokens(50, 20), parallel(2), budget(1_000, 300)) if hold.kind != blocked.kind]
    for order in ([blocked, *open_holds], [*open_holds, blocked]):
        answer = ledger.admit("a", order, now=NOW)
        assert isinstance(answer, Refused)
        assert answer.hold == blocked
    assert (ledger.running, live(ledger)) == (0, (0, 0))
    assert room(ledger, *open_holds) == tuple(hold.limit for hold in open_holds)


def test_unknown_spend_is_asked_for_before_anything_is_taken() -> None:
    ledger = seeded()
    answer = ledger.admit("a", [parallel(1), requests(1), budget(5, 1), budget(5, 1, "b"), budget(5, 1, "c")], now=NOW)
    assert answer == NeedSeed(windows=(window_of("b"), window_of("c")))
    assert (ledger.running, ledger.counters.slots) == (0, {})
    assert room(ledger, requests(1)) == (1,)


def test_refused_call_leaves_no_place_behind() -> None:
    ledger = Ledger()
    assert isinstance(ledger.admit("a", [parallel(1), requests(0)], now=NOW), Refused)
    assert ledger.counters.slots == {}


def test_repeated_admission_holds_once_and_answers_the_same() -> None:
    ledger = seeded()
    first = ledger.admit("a", [requests(3), budget(10, 4)], now=NOW)
    assert ledger.admit("a", [requests(3), budget(10, 4)], now=NOW + 5) is first
    assert live(ledger) == (0, 4)


def test_repeated_settlement_books_once() -> None:
    ledger = seeded()
    ledger.admit("a", [budget(10, 4)], now=NOW)
    ledger.settle("a", used(0), 3, now=NOW)
    ledger.settle("a", used(0), 3, now=NOW)
    ledger.release("a", now=NOW)
    assert live(ledger) == (3, 0)


@pytest.mark.parametrize("later", [0.0, ENDED_SECONDS - 0.5])
def test_admission_that_arrives_after_the_end_takes_nothing(later: float) -> None:
    ledger = seeded()
    ledger.release("a", now=NOW)
    assert ledger.admit("a", [budget(10, 4)], now=NOW + later) == Admitted()
    assert (ledger.running, live(ledger)) == (0, (0, 0))


def test_cost_above_the_reservation_is_booked_in_full() -> None:
    ledger = seeded()
    ledger.admit("a", [budget(10, 4)], now=NOW)
    ledger.settle("a", used(0), 25, now=NOW)
    assert live(ledger) == (25, 0)


def test_cost_goes_to_the_window_of_the_admission() -> None:
    ledger, old, new = Ledger(), window_of("a", 0, 5), window_of("a", 5, 10)
    ledger.seed([WindowSpend(window=old), WindowSpend(window=new)], now_ns=0)
    ledger.admit("a", [budget(10, 4, window=old)], now=NOW)
    ledger.admit("b", [budget(10, 4, window=new)], now=NOW + 60)
    ledger.settle("a", used(0), 3, now=NOW + 60)
    assert [(found.spent_nano, found.reserved_nano) for found in ledger.spend([old, new]).values()] == [(3, 0), (0, 4)]


def test_what_costs_nothing_passes_a_spent_budget_and_is_booked() -> None:
    ledger = seeded(11)
    assert isinstance(ledger.admit("a", [budget(10, 0)], now=NOW), Admitted)
    assert isinstance(ledger.admit("b", [budget(10, 1)], now=NOW), Refused)
    ledger.settle("a", used(0), 2, now=NOW)
    assert live(ledger) == (13, 0)


def test_fewer_tokens_than_held_come_back_at_once() -> None:
    ledger = Ledger()
    ledger.admit("a", [tokens(50, 40)], now=NOW)
    ledger.settle("a", used(15), 0, now=NOW + 30)
    assert room(ledger, tokens(50, 0), now=NOW + 30) == (35,)
    assert room(ledger, tokens(50, 0), now=NOW + 61) == (50,)


def test_fewer_tokens_change_nothing_once_the_admission_counts_no_more() -> None:
    ledger = Ledger()
    ledger.admit("a", [tokens(50, 40)], now=NOW)
    ledger.admit("b", [tokens(50, 10)], now=NOW + 50)
    ledger.settle("a", used(15), 0, now=NOW + 61)
    assert room(ledger, tokens(50, 0), now=NOW + 61) == (40,)


def test_more_tokens_than_held_count_now_and_may_pass_the_limit() -> None:
    ledger = Ledger()
    ledger.admit("a", [tokens(50, 10)], now=NOW)
    ledger.settle("a", used(70), 0, now=NOW + 100)
    assert room(ledger, tokens(70, 0), now=NOW + 100) == (10,)
    assert room(ledger, tokens(70, 0), now=NOW + 160) == (10,)
    assert isinstance(ledger.admit("b", [tokens(50, 0)], now=NOW + 160), Refused)
    assert room(ledger, tokens(70, 0), now=NOW + 160.5) == (70,)


def test_true_up_counts_the_part_that_the_limit_names() -> None:
    ledger = Ledger()
    ledger.admit("a", [tokens(50, 10, part="output")], now=NOW)
    ledger.settle("a", Tokens(input=999, output=4), 0, now=NOW)
    assert room(ledger, tokens(50, 0)) == (46,)


def test_settled_request_stays_counted_and_released_one_does_not() -> None:
    ledger = Ledger()
    for name in ("a", "b"):
        ledger.admit(name, [requests(5), parallel(5), tokens(5, 2)], now=NOW)
    ledger.settle("a", used(0), 0, now=NOW)
    ledger.release("b", now=NOW)
    assert room(ledger, requests(5), parallel(5), tokens(5, 0)) == (4, 5, 5)


def test_reservation_is_changed_to_an_amount_and_repeats_as_nothing() -> None:
    ledger = seeded()
    ledger.admit("a", [requests(5), budget(10, 4)], now=NOW)
    for nano in (7, 7, 5, 5, 0, 10):
        assert isinstance(ledger.reserve("a", nano), Admitted)
        assert live(ledger) == (0, nano)
    ledger.settle("a", used(0), 6, now=NOW)
    assert live(ledger) == (6, 0)


def test_smaller_reservation_fits_even_where_more_is_used_than_the_limit() -> None:
    ledger = seeded()
    ledger.admit("a", [budget(10, 9)], now=NOW)
    ledger.seed([WindowSpend(window=window_of(), adjusted_nano=50)], now_ns=0)
    assert isinstance(ledger.reserve("a", 8), Admitted)
    assert isinstance(ledger.reserve("a", 9), Refused)
    assert live(ledger) == (50, 8)


def test_reservation_is_changed_in_all_budgets_or_in_none() -> None:
    ledger = seeded()
    ledger.seed([WindowSpend(window=window_of("b"))], now_ns=0)
    ledger.admit("a", [budget(100, 4), budget(6, 4, "b")], now=NOW)
    answer = ledger.reserve("a", 7)
    assert isinstance(answer, Refused)
    assert (answer.hold.owner.pk, answer.hold.amount) == ("b", 7)
    assert [found.reserved_nano for found in ledger.spend([window_of(), window_of("b")]).values()] == [4, 4]


def test_call_that_does_not_run_reserves_nothing() -> None:
    ledger = seeded()
    assert ledger.reserve("a", 7) == Admitted()
    assert live(ledger) == (0, 0)


steps = st.lists(st.tuples(st.sampled_from((0.0, 0.3, 0.5, 20.0, 59.9, 60.4, 61.0, 121.0)), st.integers(1, 9)), max_size=60)


@given(steps, st.floats(0, 1))
@settings(max_examples=300, deadline=None)
def test_no_minute_holds_more_than_the_limit_however_counters_come_and_go(calls: list[tuple[float, int]], start: float) -> None:
    ledger, now, admitted = Ledger(), start, list[tuple[float, int]]()
    for number, (gap, amount) in enumerate(calls):
        now += gap
        if isinstance(ledger.admit(str(number), [tokens(10, amount)], now=now), Admitted):
            admitted.append((now, amount))
    for begin, _ in admitted:
        assert sum(amount for at, amount in admitted if begin <= at <= begin + 60) <= 10


def test_ten_thousand_calls_leave_nothing_behind() -> None:
    ledger = Ledger()
    for number in range(10_000):
        now = NOW + number / 10
        ledger.admit(f"{number}", [requests(1, f"{number}"), parallel(1, f"{number}")], now=now)
        ledger.settle(f"{number}", used(0), 0, now=now)
    assert (ledger.running, len(ledger.counters.slots)) == (0, 0)
    assert len(ledger.counters) < 1_300
    assert len(ledger._ended) < 220


class LedgerMachine(RuleBasedStateMachine):
    """Random calls against a model that only remembers who holds what."""

    LIMIT = 50

    def __init__(self) -> None:
        super().__init__()
        self.ledger = seeded()
        self.now = NOW
        self.spent = 0
        self.held: dict[str, int] = {}
        self.overrun = 0
        self.count = 0

    @rule(amount=st.integers(0, 30), gap=st.floats(0, 5), limit=st.integers(1, 5))
    def admit(self, amount: int, gap: float, limit: int) -> None:
        self.now += gap
        self.count += 1
        answer = self.ledger.admit(str(self.count), [parallel(limit), budget(self.LIMIT, amount)], now=self.now)
        fits = len(self.held) < limit and (amount == 0 or self.spent + sum(self.held.values()) + amount <= self.LIMIT)
        assert isinstance(answer, Admitted) == fits
        if fits:
            self.held[str(self.count)] = amount

    @precondition(lambda self: self.held)
    @rule(data=st.data(), again=st.booleans(), over=st.booleans())
    def settle(self, data: st.DataObject, again: bool, over: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.held)))
        held = self.held.pop(name)
        cost = held + 3 if over else data.draw(st.integers(0, held))
        self.overrun += max(0, cost - held)
        for _ in range(1 + again):
            self.ledger.settle(name, used(0), cost, now=self.now)
        self.spent += cost

    @precondition(lambda self: self.held)
    @rule(data=st.data(), nano=st.integers(0, 50))
    def reserve(self, data: st.DataObject, nano: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.held)))
        others = sum(self.held.values()) - self.held[name]
        fits = nano <= self.held[name] or self.spent + others + nano <= self.LIMIT
        assert isinstance(self.ledger.reserve(name, nano), Admitted) == fits
        self.held[name] = nano if fits else self.held[name]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.held)))
        del self.held[name]
        self.ledger.release(name, now=self.now)

    @invariant()
    def money_is_what_the_model_says_and_never_above_the_ceiling(self) -> None:
        assert live(self.ledger) == (self.spent, sum(self.held.values()))
        assert self.spent + sum(self.held.values()) <= self.LIMIT + self.overrun
        assert Counter(self.held.keys()) == Counter(self.ledger._running.keys())


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase
