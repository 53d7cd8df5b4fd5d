"""The counters of a process, and what they forget."""

from support.limits import NS, budget, parallel, requests, tokens, window_of
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.counters import CounterSet
from tianji_core.limits.windows import BudgetWindow

MANY = 5_000


def seed(counters: CounterSet, *windows: BudgetWindow, spent: int = 0, adjusted: int = 0, now_ns: int = 0) -> None:
    counters.seed([WindowSpend(window=window, spent_nano=spent, adjusted_nano=adjusted) for window in windows], now_ns=now_ns)


def call_in(counters: CounterSet, window: BudgetWindow, now: float) -> None:
    counters.budgets[window].take("x", 1, 0)
    counters.budgets[window].settle(1, 1, now)


def test_kinds_and_owners_have_counters_of_their_own() -> None:
    counters = CounterSet()
    seed(counters, window_of("a"))
    holds = [requests(1), tokens(1, 1), parallel(1), budget(1, 1), requests(1, "b")]
    assert len({id(counters.of(hold)) for hold in holds}) == 5
    assert counters.of(requests(9)) is counters.of(requests(1))


def test_budget_is_unknown_until_it_is_seeded() -> None:
    counters = CounterSet()
    assert counters.of(budget(1, 1)) is None
    seed(counters, window_of("a"), spent=7)
    assert counters.spend([window_of("a"), window_of("b")]).keys() == {window_of("a")}
    assert counters.spend([window_of("a")])[window_of("a")].spent_nano == 7


def test_second_seed_adds_nothing_and_brings_adjustments() -> None:
    counters = CounterSet()
    seed(counters, window_of(), spent=7)
    seed(counters, window_of(), spent=7, adjusted=-2)
    seed(counters, window_of(), spent=900, adjusted=-2)
    assert counters.spend([window_of()])[window_of()].spent_nano == 5


def test_last_call_takes_its_places_along() -> None:
    counters = CounterSet()
    slots = counters.of(parallel(2))
    assert slots is not None
    slots.take("x", 1, 0)
    slots.take("y", 1, 0)
    counters.leave("k:a", "x")
    assert len(counters) == 1
    counters.leave("k:a", "y")
    counters.leave("k:a", "y")
    assert len(counters) == 0


def test_rings_that_nobody_uses_are_forgotten() -> None:
    counters = CounterSet()
    for number in range(MANY):
        counters.turn(now=float(number))
        counters.of(requests(1, str(number)))
        counters.of(tokens(1, 1, str(number)))
    assert len(counters) < 300


def test_windows_that_have_ended_are_forgotten_unless_a_call_runs_in_them() -> None:
    counters = CounterSet()
    seed(counters, window_of("held", 0, NS))
    counters.budgets[window_of("held", 0, NS)].take("x", 5, 0)
    for number in range(MANY):
        window = window_of(str(number), number, number + NS)
        seed(counters, window, now_ns=number)
        call_in(counters, window, float(number))
    assert len(counters.budgets) == MANY + 1
    for number in range(MANY, 3 * MANY):
        seed(counters, window_of(str(number), 2 * NS, 3 * NS), now_ns=2 * NS)
    assert not [window for window in counters.budgets if window.ends_at_ns != 3 * NS and window.scope != "k:held"]
    assert window_of("held", 0, NS) in counters.budgets


def test_lasting_budget_is_kept_while_what_it_knows_is_not_stored() -> None:
    counters = CounterSet()
    for number in range(MANY):
        seed(counters, window_of(str(number)))
        call_in(counters, window_of(str(number)), float(number))
    assert len(counters.budgets) == MANY
    counters.stored(MANY - 11.0)
    counters.stored(3.0)
    for number in range(MANY, 3 * MANY):
        seed(counters, window_of(str(number)))
    kept = [number for number in range(MANY) if window_of(str(number)) in counters.budgets]
    assert kept == list(range(MANY - 10, MANY))
