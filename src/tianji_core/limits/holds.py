"""What one call asks of the counters: a list of holds, taken together or not at all."""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from tianji_core.access.limits import TokenPart
from tianji_core.limits.owners import LimitOwner
from tianji_core.limits.windows import TOTAL, BudgetWindow

__all__ = ["NO_MAXIMUM", "TOTAL", "Hold", "Kind", "Tokens", "holds_of"]

Kind = Literal["requests", "tokens", "parallel", "budget"]
NO_MAXIMUM = 2**63 - 1
"""The limit of a budget that is only counted."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tokens of one call: estimated at its admission, counted at its settlement."""

    input: int = 0
    output: int = 0

    def of(self, part: TokenPart) -> int:
        """Return how many a limit on that part counts."""
        if part == "total":
            return self.input + self.output
        return self.input if part == "input" else self.output


class Hold(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One counter that a call needs room in.

    Attributes:
        owner: Whose limit it is; its scope and the kind name the counter.
        limit: How much the counter may hold: requests or tokens in 60 s, calls, or nano-USD in the window.
        amount: How much the call asks for, in the same unit.
        window: Of a budget.
        part: Which tokens are counted.
    """

    kind: Kind
    owner: LimitOwner
    limit: int
    amount: int = 1
    window: BudgetWindow | None = None
    part: TokenPart = "total"


def holds_of(
    owners: Iterable[LimitOwner], window_of: Callable[[LimitOwner, str], BudgetWindow], *, tokens: Tokens, bound_nano: int
) -> tuple[Hold, ...]:
    """Return the holds of one call.

    Args:
        window_of: Gives the current window of an owner's budget by its limit key.
        tokens: What the call may use, as far as one can know.
        bound_nano: What it may cost at most.
    """
    holds: list[Hold] = []
    for owner in owners:
        limits = owner.limits
        if limits.rpm is not None:
            holds.append(Hold(kind="requests", owner=owner, limit=limits.rpm))
        if limits.tpm is not None:
            part = limits.tpm_part
            holds.append(Hold(kind="tokens", owner=owner, limit=limits.tpm, amount=tokens.of(part), part=part))
        if limits.max_parallel is not None:
            holds.append(Hold(kind="parallel", owner=owner, limit=limits.max_parallel))
        if limits.has_budget:
            most = NO_MAXIMUM if limits.max_budget_nano is None else limits.max_budget_nano
            holds.append(Hold(kind="budget", owner=owner, limit=most, amount=bound_nano, window=window_of(owner, TOTAL)))
    return tuple(holds)
