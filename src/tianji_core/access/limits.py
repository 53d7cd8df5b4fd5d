"""What an identity may use: money, requests, tokens, calls at the same time."""

from typing import Literal

import msgspec

TokenPart = Literal["total", "input", "output"]
"""Which tokens a limit counts."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The limits of one identity. None limits nothing; zero lets nothing through.

    Attributes:
        max_budget_nano: What it may spend in one window of its budget.
        soft_budget_nano: Above this somebody is told; nothing is refused.
        budget_duration: How long a window is, in the words of `durations`; None: one window without an end.
        budget_started_at_ns: When the budget began, or its duration became another: there a window begins. With a duration nothing is
            spent in it; without one it holds everything that was ever spent. 0 without a budget.
        rpm: Requests in any 60 s.
        tpm: Tokens in any 60 s, of the part that `tpm_part` names.
        max_parallel: Calls at the same time.
    """

    max_budget_nano: int | None = None
    soft_budget_nano: int | None = None
    budget_duration: str | None = None
    budget_started_at_ns: int = 0
    rpm: int | None = None
    tpm: int | None = None
    max_parallel: int | None = None
    tpm_part: TokenPart = "total"

    @property
    def has_budget(self) -> bool:
        """Whether spend is counted in windows. A duration without a maximum is counted too, and refuses nothing."""
        return self.max_budget_nano is not None or self.budget_duration is not None
