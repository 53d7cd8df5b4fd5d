"""What one call asks for."""

import pytest

from support.limits import owner, window_of
from tianji_core.access.limits import TokenPart
from tianji_core.limits.holds import NO_MAXIMUM, Hold, Tokens, holds_of
from tianji_core.limits.owners import LimitOwner
from tianji_core.limits.windows import BudgetWindow

TOKENS = Tokens(input=30, output=12)


def holds(*owners: LimitOwner, bound_nano: int = 7) -> tuple[Hold, ...]:
    def window(asked: LimitOwner, limit_key: str) -> BudgetWindow:
        assert limit_key == "total"
        return window_of(asked.pk)

    return holds_of(owners, window, tokens=TOKENS, bound_nano=bound_nano)


def test_owner_without_limits_asks_for_nothing() -> None:
    assert holds(owner()) == ()


def test_each_limit_is_one_hold() -> None:
    found = holds(owner("a", rpm=1, tpm=2, max_parallel=3, max_budget_nano=4), owner("b", rpm=5))
    assert [(hold.kind, hold.owner.pk, hold.limit, hold.amount) for hold in found] == [
        ("requests", "a", 1, 1),
        ("tokens", "a", 2, 42),
        ("parallel", "a", 3, 1),
        ("budget", "a", 4, 7),
        ("requests", "b", 5, 1),
    ]
    assert [hold.window for hold in found] == [None, None, None, window_of("a"), None]


def test_limit_of_zero_is_a_limit() -> None:
    assert [hold.limit for hold in holds(owner("a", rpm=0, tpm=0, max_parallel=0, max_budget_nano=0))] == [0, 0, 0, 0]


@pytest.mark.parametrize(("part", "amount"), [("total", 42), ("input", 30), ("output", 12)])
def test_limit_counts_the_part_of_the_tokens_that_it_names(part: TokenPart, amount: int) -> None:
    (hold,) = holds(owner("a", tpm=100, tpm_part=part))
    assert (hold.amount, hold.part) == (amount, part)


def test_budget_without_a_maximum_is_counted_and_refuses_nothing() -> None:
    (hold,) = holds(owner("a", budget_duration="1d"))
    assert (hold.kind, hold.limit, hold.amount, hold.window) == ("budget", NO_MAXIMUM, 7, window_of("a"))


def test_soft_budget_holds_nothing() -> None:
    assert holds(owner("a", soft_budget_nano=1)) == ()
