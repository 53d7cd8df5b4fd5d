"""Every limit and budget of one process, as one machine: a call takes all that it needs, or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from tianji_core.limits.answers import AdmissionAnswer, Admitted, LiveSpend, NeedSeed, Refused, WindowSpend
from tianji_core.limits.budget import Budget
from tianji_core.limits.checks import Counter, is_refused, refusal, worst_refusal
from tianji_core.limits.counters import CounterSet
from tianji_core.limits.generations import Generations
from tianji_core.limits.holds import Hold, Tokens
from tianji_core.limits.ring import Ring, bucket_of, empty_after
from tianji_core.limits.windows import BudgetWindow

ENDED_SECONDS = 10.0


class _Running(msgspec.Struct, gc=False):
    """What one call holds. `reserved`: nano-USD of each of its reservations, where that was changed since."""

    answer: Admitted
    bucket: int
    reserved: int | None = None


@dataclass(slots=True)
class Ledger:
    """Admits and settles calls. Times are monotonic seconds; instants are nanoseconds since the epoch.

    Everything is idempotent by call id: an id that was settled or released holds nothing any more, and takes nothing for the next
    ten seconds at least, in whatever order the requests arrive.
    """

    counters: CounterSet = field(default_factory=CounterSet)
    _running: dict[str, _Running] = field(default_factory=dict)
    _ended: Generations[str] = field(default_factory=lambda: Generations(ENDED_SECONDS))
    _bucket: int = -1

    @property
    def running(self) -> int:
        """How many calls hold something."""
        return len(self._running)

    def admit(self, call_id: str, holds: Sequence[Hold], *, now: float) -> AdmissionAnswer:
        """Take all holds, or none. A call that is admitted already is answered as before."""
        bucket = self._at(now)
        known = self._running.get(call_id)
        if known is not None:
            return known.answer
        if self._ended.get(call_id) is not None:
            return Admitted()
        counters: list[Counter] = []
        rooms: list[int] = []
        fits, find, budgets = True, self.counters.of, self.counters.budgets
        for hold in holds:
            window = hold.window
            counter = find(hold) if window is None else budgets.get(window)
            if counter is None:
                self._tidy(holds)
                return self._unseeded(holds)
            room = counter.room(hold.limit, bucket)
            counters.append(counter)
            rooms.append(room)
            if hold.amount > room and is_refused(hold, room):
                fits = False
        if not fits:
            self._tidy(holds)
            return worst_refusal(zip(holds, counters, rooms, strict=True), now=now)
        for hold, counter in zip(holds, counters, strict=True):
            counter.take(call_id, hold.amount, bucket)
        answer = Admitted(holds=holds, rooms=rooms, reset_seconds=empty_after(now))
        self._running[call_id] = _Running(answer, bucket)
        return answer

    def reserve(self, call_id: str, nano: int) -> Admitted | Refused:
        """Let a call hold that much money, all in all, in each of its budgets, or leave everything as it is. Less always fits.

        A call that is not running needs nothing and is admitted.
        """
        call = self._running.get(call_id)
        if call is None:
            return Admitted()
        changes: list[tuple[Budget, int]] = []
        for hold in call.answer.holds:
            if hold.window is None:
                continue
            budget, held = self.counters.budgets[hold.window], hold.amount if call.reserved is None else call.reserved
            others = Budget(budget.spent, budget.adjusted, budget.reserved - held)
            asked = msgspec.structs.replace(hold, amount=nano)
            if nano > held and is_refused(asked, others.room(hold.limit, self._bucket)):
                return refusal(asked, others, now=0.0)
            changes.append((budget, nano - held))
        for budget, change in changes:
            budget.reserved += change
        call.reserved = nano
        return call.answer

    def settle(self, call_id: str, tokens: Tokens, nano: int, *, now: float) -> None:
        """Replace what a call holds by what it used; the request itself stays counted."""
        bucket = self._at(now)
        self._ended.put(call_id, call_id)
        call = self._running.pop(call_id, None)
        if call is None:
            return
        counters, budgets, reserved = self.counters, self.counters.budgets, call.reserved
        for hold in call.answer.holds:
            if hold.window is not None:
                budgets[hold.window].settle(hold.amount if reserved is None else reserved, nano, now)
            elif hold.kind == "tokens":
                _true_up(counters.token_ring(hold.owner.scope), hold, tokens.of(hold.part), call.bucket, bucket)
            elif hold.kind == "parallel":
                counters.leave(hold.owner.scope, call_id)

    def release(self, call_id: str, *, now: float) -> None:
        """Give back everything that a call holds, the request too, as if it had never come."""
        call = self._running.get(call_id)
        self.settle(call_id, Tokens(), 0, now=now)
        if call is None:
            return
        for hold in call.answer.holds:
            ring = self.counters.requests.get(hold.owner.scope) if hold.kind == "requests" else None
            if ring is not None:
                ring.room(hold.limit, self._bucket)
                ring.give_back(call.bucket, hold.amount)

    def seed(self, stored: Sequence[WindowSpend], *, now_ns: int) -> None:
        """Begin to count windows from what is stored; see `CounterSet.seed`."""
        self.counters.seed(stored, now_ns=now_ns)

    def spend(self, windows: Iterable[BudgetWindow]) -> dict[BudgetWindow, LiveSpend]:
        """Return what is known of these windows."""
        return self.counters.spend(windows)

    def stored(self, until: float) -> None:
        """Take note that everything that was settled up to a moment is stored: what nobody uses may be forgotten."""
        self.counters.stored(until)

    def _at(self, now: float) -> int:
        """Return the bucket of a moment, which never decreases."""
        bucket = bucket_of(now)
        if bucket > self._bucket:
            self._bucket = bucket
            self._ended.turn(now=now)
            self.counters.turn(now=now)
        return self._bucket

    def _tidy(self, holds: Sequence[Hold]) -> None:
        """Drop the places that were made for a call that does not get one."""
        for hold in holds:
            if hold.kind == "parallel":
                self.counters.leave(hold.owner.scope, "")

    def _unseeded(self, holds: Sequence[Hold]) -> NeedSeed:
        windows = (hold.window for hold in holds if hold.window is not None)
        return NeedSeed(windows=tuple(window for window in windows if window not in self.counters.budgets))


def _true_up(ring: Ring, hold: Hold, used: int, admitted: int, bucket: int) -> None:
    """Correct the tokens of one call: fewer come off its admission while that counts, more are added now."""
    ring.room(hold.limit, bucket)
    if used > hold.amount:
        ring.take("", used - hold.amount, bucket)
    elif used < hold.amount:
        ring.give_back(admitted, hold.amount - used)
