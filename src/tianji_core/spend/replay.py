"""What a journal that its process left behind still owes to the ledger.

Of every call that was settled, the rows that were not flushed; of every call that was opened and neither settled nor voided, one row
that says `interrupted`. The outcome is a function of the journal's bytes alone, so a replay that is itself interrupted comes to the same
rows again, and the ledger knows them by their keys.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent, EventError
from tianji_core.calls.usage import Usage
from tianji_core.spend.journal_entries import Attempted, Entry, Flushed, Kind, OpenCall, Progress, Settled, Voided, read_entry
from tianji_core.spend.journal_frames import Frame
from tianji_core.spend.record import SpendRecord

InterruptedBilling = Literal["received", "bound", "zero"]
PriceOf = Callable[[OpenCall, Usage], Cost]
"""What a usage costs at the prices of the deployment that an opened call names."""

_BYTES_PER_TOKEN = 4


class Position(NamedTuple):
    """A place in a folder's segments; places compare in the order of writing."""

    segment: int
    offset: int


BEGINNING = Position(0, 0)
"""Before everything that a folder holds."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """An opened call. `call` names its last attempt; `billed` are the rows of attempts before that one."""

    call: OpenCall
    billed: tuple[SpendRecord, ...] = ()
    progress: Progress | None = None

    def attempted(self, attempt: Attempted) -> "Running":
        """Return the call with its next attempt: what the one before it produced is in `attempt.billed`, or cost nothing."""
        call = msgspec.structs.replace(
            self.call,
            attempt_at_ns=attempt.at_ns,
            model_group=attempt.model_group,
            provider=attempt.provider,
            deployment_id=attempt.deployment_id,
            model=attempt.model,
            pricing_version=attempt.pricing_version or self.call.pricing_version,
        )
        return Running(call=call, billed=self.billed + attempt.billed)

    def progressed(self, progress: Progress) -> "Running":
        """Return the call with what is known of its answer by now."""
        return msgspec.structs.replace(self, progress=progress)

    def entries(self) -> tuple[tuple[Kind, Entry], ...]:
        """Return the entries that say all this again, in a later segment."""
        call, found = self.call, list[tuple[Kind, Entry]]()
        found.append((Kind.OPEN, call))
        if self.billed:
            again = Attempted(
                call_id=call.call_id,
                at_ns=call.attempt_at_ns,
                model_group=call.model_group,
                provider=call.provider,
                deployment_id=call.deployment_id,
                model=call.model,
                billed=self.billed,
            )
            found.append((Kind.ATTEMPT, again))
        if self.progress is not None:
            found.append((Kind.PROGRESS, self.progress))
        return tuple(found)


@dataclass(slots=True)
class Replay:
    """Reads a folder's frames in the order of their writing.

    Attributes:
        flushed: The ledger has what was settled up to here.
    """

    flushed: Position = BEGINNING
    _running: dict[str, Running] = field(default_factory=dict)

    def add(self, frame: Frame) -> None:
        """Take the next frame.

        Raises:
            ValueError: its bytes are whole, but it is no entry.
        """
        match read_entry(frame):
            case OpenCall() as call:
                self._running[call.call_id] = Running(call=call)
            case Attempted() as attempt if attempt.call_id in self._running:
                self._running[attempt.call_id] = self._running[attempt.call_id].attempted(attempt)
            case Progress() as progress if progress.call_id in self._running:
                self._running[progress.call_id] = self._running[progress.call_id].progressed(progress)
            case Settled(call_id=call_id) | Voided(call_id=call_id):
                self._running.pop(call_id, None)
            case Flushed() as flushed:
                self.flushed = max(self.flushed, Position(flushed.segment, flushed.offset))

    @property
    def interrupted(self) -> tuple[Running, ...]:
        """The calls that are open so far."""
        return tuple(self._running.values())


def settlements(segment: int, frames: Sequence[Frame], after: Position) -> Iterator[tuple[Settled, Position]]:
    """Yield what a segment settles after a place, each with the place at which it ends. What cannot be read is left out."""
    for frame in frames:
        end = Position(segment, frame.end)
        if frame.kind != Kind.SETTLE or end <= after:
            continue
        try:
            entry = read_entry(frame)
        except ValueError:
            continue
        if isinstance(entry, Settled):
            yield entry, end


def interrupted_rows(running: Running, price: PriceOf, billing: InterruptedBilling = "received") -> tuple[SpendRecord, ...]:
    """Return the rows of a call whose process ended before the call did: the call itself, then its attempts that were billed before.

    Its last byte never left. Usage is the input's estimate and what was last known of the output. With `received` that is its cost, at
    most what was reserved; with `bound` the cost is the reservation; with `zero` nothing is billed.
    """
    call, progress = running.call, running.progress
    usage = _usage(call, progress)
    event = CallEvent(
        call_id=call.call_id,
        trace_id=call.trace_id,
        client_call_id=call.client_call_id,
        session_id=call.session_id,
        operation=call.operation,
        surface=call.surface,
        route=call.route,
        stream=call.stream,
        model_asked=call.model_asked or call.model_group,
        model_group=call.model_group,
        model=call.model,
        provider=call.provider or None,
        deployment_id=call.deployment_id,
        started_at_ns=call.started_at_ns,
        ended_at_ns=max(call.started_at_ns, call.attempt_at_ns, progress.at_ns if progress else 0),
        upstream_started_at_ns=call.attempt_at_ns or call.started_at_ns,
        key_id=call.key_id,
        key_hash=call.key_hash,
        key_alias=call.key_alias,
        user_id=call.user_id,
        team_id=call.team_id,
        organization_id=call.organization_id,
        end_user_id=call.end_user_id,
        tags=call.tags,
        usage=usage,
        usage_source="estimated",
        cost=_cost(call, usage, price, billing),
        pricing_version=call.pricing_version or None,
        status="interrupted",
        http_status=500,
        error=EventError(type="interrupted", code="interrupted", message="the gateway's process ended before the answer was complete"),
    )
    return (SpendRecord(seq=0, event=event, windows=call.windows), *running.billed)


def _usage(call: OpenCall, progress: Progress | None) -> Usage:
    reported = progress.usage if progress is not None and progress.usage is not None else Usage()
    if reported.input_total is None:
        reported = msgspec.structs.replace(reported, input_text=call.input_estimate)
    produced = progress.output_bytes // _BYTES_PER_TOKEN if progress is not None else 0
    missing = produced - (reported.output_total or 0)
    if missing > 0 or reported.output_total is None:
        reported = msgspec.structs.replace(reported, output_text=(reported.output_text or 0) + max(missing, 0))
    return reported


def _cost(call: OpenCall, usage: Usage, price: PriceOf, billing: InterruptedBilling) -> Cost:
    if billing == "zero":
        return Cost(source="computed", basis={"interrupted_billing": "zero"})
    received = price(call, usage)
    reserved = call.reserved_nano
    if reserved is None or (billing == "received" and received.total_nano <= reserved):
        return received
    change = reserved - received.total_nano
    return msgspec.structs.replace(
        received,
        total_nano=reserved,
        other_nano=received.other_nano + change,
        adjustment_nano=received.adjustment_nano + change,
        source=received.source if received.source != "zero_unpriced" else "computed",
        basis={**received.basis, "interrupted_billing": billing, "reserved_nano": reserved},
    )
