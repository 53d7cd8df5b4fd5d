"""What a call holds of its caller's limits while it runs: the bound of its cost, counted more closely where that decides."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tianji_app.call.admission import CallAdmission, Grant
from tianji_app.call.ceiling import Ceiling, ceiling_of
from tianji_app.call.settlement import Settlement
from tianji_app.snapshot import Snapshot
from tianji_core.access.limits import Limits
from tianji_core.access.principal import Principal
from tianji_core.calls.chat import ChatRequest
from tianji_core.calls.completions import CompletionRequest
from tianji_core.calls.cost import Cost
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.usage import Usage
from tianji_core.limits.answers import Admitted, Refused
from tianji_core.limits.holds import Tokens
from tianji_core.limits.owners import owners_of
from tianji_core.limits.refusals import refusal_error
from tianji_core.limits.windows import BudgetWindow
from tianji_core.pricing.request_size import RequestSize, raw_size, request_size
from tianji_core.shapes.codecs import Decoded, Request
from tianji_core.shapes.raw_requests import ReadBody

_UNLIMITED = Limits()
_ROUGH_SHARE = 100
"""A rough bound is good enough while it is at most a hundredth of what is left."""

WARNING = "output limited by budget"


@dataclass(slots=True)
class Reservation:
    """What one call holds.

    Attributes:
        body: As it goes up: its output may be limited to what the budget pays for.
        bound_nano: What one billed attempt can cost.
    """

    admission: CallAdmission
    grant: Grant
    body: ReadBody
    bound_nano: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether there is anything to give back."""
        return bool(self.grant.admitted.holds)

    @property
    def windows(self) -> tuple[BudgetWindow, ...]:
        """The windows to which the call is booked."""
        return self.grant.windows

    @property
    def reserved_nano(self) -> int | None:
        """What is held of each budget; None where there is none."""
        return self.grant.reserved_nano if self.grant.windows else None

    async def for_another(self) -> None:
        """Hold another bound, before an attempt that follows one which was billed.

        Raises:
            LimitExceededError: there is no room for it.
        """
        await self.admission.reserve(self.grant, self.grant.reserved_nano + self.bound_nano)

    async def settle(self, usage: Usage, cost: Cost) -> int:
        """Give back what was not used. Return by how much, in nano-USD, the call cost more than it held."""
        return await self.admission.settle(self.grant, usage, cost)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Admits calls to their callers' limits."""

    admission: CallAdmission
    settlement: Settlement

    async def __call__(
        self, call_id: str, principal: Principal, body: ReadBody, body_bytes: int, candidates: Sequence[Deployment], snapshot: Snapshot
    ) -> Reservation:
        """Hold what the dearest candidate may cost.

        Raises:
            LimitExceededError: a limit or a budget has no room.
            DependencyUnavailableError: nobody can say what is spent.
        """
        if not has_limits(principal):
            return Reservation(self.admission, Grant(call_id, Admitted(), (), 0), body)
        try:
            return await self._held(call_id, principal, body, body_bytes, candidates, snapshot)
        except BaseException:  # a caller may leave while its tokens are counted, when something is held already
            await self.admission.forget(call_id)
            raise

    async def _held(
        self, call_id: str, principal: Principal, body: ReadBody, body_bytes: int, candidates: Sequence[Deployment], snapshot: Snapshot
    ) -> Reservation:
        ceiling = ceiling_of(_size(body, body_bytes), candidates, snapshot)
        bound = ceiling.nano()
        answer = await self.admission.try_admit(call_id, principal, bound_nano=bound, tokens=ceiling.tokens())
        if isinstance(answer, Grant) and (answer.left_nano is None or bound * _ROUGH_SHARE <= answer.left_nano):
            return Reservation(self.admission, answer, body, bound)
        counted = await self._counted(body.request, ceiling.candidates)
        bound = ceiling.nano(counted)
        if isinstance(answer, Grant):
            await self.admission.reserve(answer, bound)
            return Reservation(self.admission, answer, body, bound)
        answer = await self.admission.try_admit(call_id, principal, bound_nano=bound, tokens=ceiling.tokens(counted))
        if isinstance(answer, Grant):
            return Reservation(self.admission, answer, body, bound)
        return await self._limited(call_id, principal, body, ceiling, counted, answer)

    async def free(self, call_id: str, principal: Principal, body: ReadBody) -> Reservation:
        """Admit a call that costs nothing: it counts as a request and holds no money."""
        grant = await self.admission.admit(call_id, principal, bound_nano=0, tokens=Tokens())
        return Reservation(self.admission, grant, body)

    async def _limited(
        self, call_id: str, principal: Principal, body: ReadBody, ceiling: Ceiling, counted: int, refused: Refused
    ) -> Reservation:
        """Admit the call with the longest answer that what is left pays for, where its caller set no limit.

        Where that is nothing, the shortest answer is asked for all the same: its refusal says whether it will fit when other calls end.
        """
        limit = None
        if refused.hold.kind == "budget":
            limit = ceiling.output_for(refused.left, counted) or ceiling.least_output
        if limit is not None and isinstance(body.request, ChatRequest | CompletionRequest):
            bound = ceiling.nano(counted, limit * ceiling.size.prompts)
            answer = await self.admission.try_admit(call_id, principal, bound_nano=bound, tokens=ceiling.tokens(counted))
            if isinstance(answer, Grant):
                request = msgspec.structs.replace(body.request, max_output_tokens=limit)
                limited = Decoded(request=request, controls=body.controls, memo=body.memo)
                return Reservation(self.admission, answer, limited, bound, warnings=(WARNING,))
            refused = answer
        raise refusal_error(refused, now_ns=self.admission.clock.now_ns())

    async def _counted(self, request: Request, candidates: tuple[Deployment, ...]) -> int:
        counts = [await self.settlement.count_input(request, candidate) for candidate in _one_each(candidates)]
        return max(counts, default=0)


def has_limits(principal: Principal) -> bool:
    """Whether anything limits the calls of this caller."""
    return any(owner.limits != _UNLIMITED for owner in owners_of(principal))


def has_budget(principal: Principal) -> bool:
    """Whether a finite budget applies to this caller."""
    return any(owner.limits.max_budget_nano is not None for owner in owners_of(principal))


def _size(body: ReadBody, body_bytes: int) -> RequestSize:
    size = raw_size(body.raw, body_bytes) if body.raw is not None else None
    return size if size is not None else request_size(body.request, body_bytes)


def _one_each(candidates: tuple[Deployment, ...]) -> tuple[Deployment, ...]:
    """Return one candidate for each model: the others are counted alike."""
    return tuple({candidate.model: candidate for candidate in candidates}.values())
