"""A refusal as the caller reads it: whose limit, how much of it is used, what was asked, when it is free again.

A message names an identity only where the caller may know it; of every other it names the level and the kind.
"""

import math

from tianji_core.access.wire_values import instant, usd
from tianji_core.errors import BudgetExceededError, LimitExceededError, ParallelLimitError, RateLimitedError
from tianji_core.limits.answers import Refused
from tianji_core.limits.holds import Hold

_NS = 1_000_000_000
_SOON_NS = 60 * _NS


def refusal_error(refused: Refused, *, now_ns: int) -> LimitExceededError:
    """Return the error of a refused call."""
    if refused.hold.kind == "budget":
        return _no_money(refused, now_ns)
    if refused.hold.kind == "parallel":
        return _no_place(refused, now_ns)
    return _too_fast(refused, now_ns)


def _too_fast(refused: Refused, now_ns: int) -> RateLimitedError:
    hold, wait = refused.hold, refused.wait_seconds
    counted = f"{hold.part} tokens" if hold.kind == "tokens" and hold.part != "total" else hold.kind
    state = f"{refused.used} used in the last minute, {hold.amount} asked for"
    message = f"rate limit of {_whose(hold)}: {hold.limit} {counted} per minute; {state}"
    if wait is None:
        hint = "it is larger than the whole limit; send less, or a smaller `max_tokens`" if hold.limit else "the limit lets nothing through"
        return RateLimitedError(message, hint=hint, final=True, headers=_limit_headers(hold, None))
    at_ns = now_ns + math.ceil(wait * _NS)
    return RateLimitedError(message, hint=f"it fits at {instant(at_ns)}", retry_after_seconds=wait, headers=_limit_headers(hold, at_ns))


def _no_place(refused: Refused, now_ns: int) -> ParallelLimitError:
    hold, wait = refused.hold, refused.wait_seconds
    message = f"parallel limit of {_whose(hold)}: {hold.limit} calls at the same time; {refused.used} are running"
    if wait is None:
        return ParallelLimitError(message, hint="the limit lets nothing through", final=True, headers=_limit_headers(hold, None))
    at_ns = now_ns + math.ceil(wait * _NS)
    return ParallelLimitError(
        message, hint="come again when one of them has ended", retry_after_seconds=wait, headers=_limit_headers(hold, at_ns)
    )


def _no_money(refused: Refused, now_ns: int) -> BudgetExceededError:
    hold = refused.hold
    ends_at_ns = hold.window.ends_at_ns if hold.window is not None else None
    headers = _limit_headers(hold, ends_at_ns)
    if refused.reason != "reserved" and ends_at_ns is not None and ends_at_ns - now_ns <= _SOON_NS:
        headers = (("retry-after", str(max(1, math.ceil((ends_at_ns - now_ns) / _NS)))), *headers)
    return BudgetExceededError(
        _budget_message(refused, ends_at_ns),
        hint=_budget_hint(refused),
        code="budget_reserved" if refused.reason == "reserved" else "budget_exceeded",
        retry_after_seconds=refused.wait_seconds,
        headers=headers,
        budget=_budget_document(refused, ends_at_ns),
    )


def _budget_message(refused: Refused, ends_at_ns: int | None) -> str:
    hold = refused.hold
    if hold.owner.shown is None:
        reserved = refused.reason == "reserved"
        return "a budget above this key is reserved by running calls" if reserved else "a budget above this key is used up"
    state = f"{_money(refused.used)} of {_money(hold.limit)} USD spent"
    if refused.reserved:
        state += f", {_money(refused.reserved)} reserved by running calls"
    if refused.reason != "spent":
        state += f", this call may cost up to {_money(hold.amount)}"
    until = f"until {instant(ends_at_ns)}" if ends_at_ns is not None else "it does not reset"
    what = {"spent": "is used up", "reserved": "is reserved"}.get(refused.reason, "has too little left")
    return f"budget of {hold.owner.shown} {what}: {state}, {until}"


def _budget_hint(refused: Refused) -> str:
    if refused.reason == "spent":
        return "raise it, or wait until it resets"
    if refused.reason == "reserved":
        return "come again in a second, or send a smaller `max_tokens`"
    return "send a smaller `max_tokens`, raise the budget, or wait until it resets"


def _budget_document(refused: Refused, ends_at_ns: int | None) -> dict[str, object] | None:
    hold = refused.hold
    if hold.owner.shown is None:
        return None
    return {
        "scope": hold.owner.level,
        "id": hold.owner.pk,
        "limit": usd(hold.limit, as_text=False),
        "spent": usd(refused.used, as_text=False),
        "resets_at": None if ends_at_ns is None else instant(ends_at_ns),
    }


def _limit_headers(hold: Hold, at_ns: int | None) -> tuple[tuple[str, str], ...]:
    kind = "max_parallel_requests" if hold.kind == "parallel" else hold.kind
    return (("rate_limit_type", kind), *((("reset_at", instant(at_ns)),) if at_ns is not None else ()))


def _whose(hold: Hold) -> str:
    return hold.owner.shown or f"a {hold.owner.level} above this key"


def _money(nano: int) -> str:
    """Return USD with at least two decimals and no zero after them."""
    whole, decimals = str(usd(nano, as_text=True)).split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
