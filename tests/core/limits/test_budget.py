"""The money of one window."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.limits.budget import Budget

amounts = st.integers(0, 100)


def test_room_is_what_is_neither_spent_nor_adjusted_nor_reserved() -> None:
    assert Budget(10, adjusted=-3, reserved=5).room(20, 0) == 8


@given(st.lists(st.tuples(amounts, amounts), max_size=20), amounts)
def test_settling_every_call_leaves_nothing_reserved_and_everything_spent(calls: list[tuple[int, int]], spent: int) -> None:
    budget = Budget(spent)
    for held, _ in calls:
        budget.take("", held, 0)
    assert (budget.reserved, budget.open) == (sum(held for held, _ in calls), len(calls))
    for held, cost in calls:
        budget.settle(held, cost, 1.0)
    assert (budget.reserved, budget.open, budget.used) == (0, 0, spent + sum(cost for _, cost in calls))
