"""Why a hold does not fit."""

import pytest

from support.limits import budget, parallel, requests, tokens
from tianji_core.limits.budget import Budget
from tianji_core.limits.checks import is_refused, refusal, worst_refusal
from tianji_core.limits.holds import Hold
from tianji_core.limits.parallel import Slots
from tianji_core.limits.ring import Ring


def full_ring(amount: int, at: int = 100) -> Ring:
    ring = Ring()
    ring.take("", amount, at)
    return ring


@pytest.mark.parametrize(
    ("hold", "room", "refused"),
    [
        (requests(5), 1, False),
        (requests(5), 0, True),
        (tokens(5, 0), -1, True),
        (budget(5, 3), 3, False),
        (budget(5, 3), 2, True),
        (budget(5, 0), -9, False),
    ],
)
def test_hold_is_refused_unless_it_fits_or_costs_nothing(hold: Hold, room: int, refused: bool) -> None:
    assert is_refused(hold, room) == refused


@pytest.mark.parametrize(
    ("counter", "amount", "reason", "wait"),
    [
        (Budget(10), 1, "spent", None),
        (Budget(4, adjusted=6), 1, "spent", None),
        (Budget(12, reserved=5), 1, "spent", None),
        (Budget(4, reserved=6), 1, "reserved", 1.0),
        (Budget(4, reserved=1), 6, "reserved", 1.0),
        (Budget(4), 7, "too_large", None),
        (Budget(4, reserved=1), 7, "too_large", None),
    ],
)
def test_money_is_spent_or_reserved_or_too_little(counter: Budget, amount: int, reason: str, wait: float | None) -> None:
    found = refusal(budget(10, amount), counter, now=0.0)
    assert (found.reason, found.wait_seconds, found.used, found.reserved) == (reason, wait, counter.used, counter.reserved)


def test_full_minute_says_when_it_fits() -> None:
    found = refusal(requests(3), full_ring(3), now=51.0)
    assert (found.reason, found.used, found.wait_seconds) == ("full", 3, 59.5)


def test_request_above_the_whole_limit_never_fits() -> None:
    found = refusal(tokens(3, 4), Ring(), now=51.0)
    assert (found.reason, found.wait_seconds) == ("too_large", None)


def test_running_call_may_end_at_any_moment() -> None:
    slots = Slots()
    slots.take("a", 1, 0)
    found = refusal(parallel(1), slots, now=0.0)
    assert (found.reason, found.used, found.wait_seconds) == ("full", 1, 1.0)


def test_of_several_the_one_that_lasts_longest_is_told() -> None:
    now = 51.0
    short, long = (requests(3), full_ring(3), 0), (tokens(3, 2), full_ring(3, 101), 0)
    assert worst_refusal([short, long], now=now).hold.kind == "tokens"
    assert worst_refusal([short, long, (budget(10, 1), Budget(10), 0)], now=now).hold.kind == "budget"
    assert worst_refusal([(budget(10, 1), Budget(10), 5), short], now=now).hold.kind == "requests"
