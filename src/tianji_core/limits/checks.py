"""Whether a hold fits into its counter, and why not."""

from collections.abc import Iterable

from tianji_core.limits.answers import Refused
from tianji_core.limits.budget import Budget
from tianji_core.limits.holds import Hold
from tianji_core.limits.parallel import Slots
from tianji_core.limits.ring import Ring

COME_AGAIN_SECONDS = 1.0
"""How long a caller waits for what another call may free at any moment."""

Counter = Ring | Slots | Budget


def is_refused(hold: Hold, room: int) -> bool:
    """Whether a hold does not fit. What costs nothing always fits into a budget."""
    return hold.amount > room and (hold.amount > 0 or hold.kind != "budget")


def worst_refusal(checked: Iterable[tuple[Hold, Counter, int]], *, now: float) -> Refused:
    """Return, of the holds that do not fit, the one that keeps the call out longest. Each comes with its counter and the room in it."""
    refused = [refusal(hold, counter, now=now) for hold, counter, room in checked if is_refused(hold, room)]
    return max(refused, key=lambda answer: float("inf") if answer.wait_seconds is None else answer.wait_seconds)


def refusal(hold: Hold, counter: Counter, *, now: float) -> Refused:
    """Return why a hold does not fit, and when it will as far as one can know."""
    if isinstance(counter, Budget):
        return _without_money(hold, counter)
    used = counter.total if isinstance(counter, Ring) else counter.running()
    if hold.amount > hold.limit:
        return Refused(hold=hold, reason="too_large", used=used)
    wait = counter.wait(hold.amount, hold.limit, now=now) if isinstance(counter, Ring) else COME_AGAIN_SECONDS
    return Refused(hold=hold, reason="full", used=used, wait_seconds=wait)


def _without_money(hold: Hold, budget: Budget) -> Refused:
    if budget.used >= hold.limit:
        return Refused(hold=hold, reason="spent", used=budget.used, reserved=budget.reserved)
    if budget.used + hold.amount > hold.limit:
        return Refused(hold=hold, reason="too_large", used=budget.used, reserved=budget.reserved)
    return Refused(hold=hold, reason="reserved", used=budget.used, reserved=budget.reserved, wait_seconds=COME_AGAIN_SECONDS)
