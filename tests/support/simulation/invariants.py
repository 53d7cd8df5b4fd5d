"""What must hold after every step, and what must hold when everything has come to rest."""

from collections.abc import Mapping
from itertools import pairwise

from support.gateway_parts import EPOCH_NS
from support.simulation.callers import Call
from support.simulation.parts import SETTLED_TWICE, Shared
from support.simulation.process import Process
from support.simulation.scenario import NS
from support.simulation.upstream import Served
from tianji_core.access.keys import VirtualKey
from tianji_core.limits.ledger import Ledger
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.record import SpendRecord

_SECONDS = {"5s": 5, "20s": 20, "1m": 60}
_RATE_SECONDS = 60.0


class ViolationError(AssertionError):
    """Something is not as it must be."""


def check_step(process: Process, keys: Mapping[str, VirtualKey]) -> None:
    """Check what a process holds while it works."""
    ledger = process.counters.ledger
    _check_budgets(ledger, keys)
    for scope, slots in ledger.counters.slots.items():
        _must(slots._calls <= process.calls.keys(), f"{scope} has places of calls that do not run")
        most = keys[scope].limits.max_parallel
        _must(most is None or slots.running() <= most, f"{scope} runs {slots.running()} calls of {most}")
    _must(ledger._running.keys() <= process.calls.keys(), "calls that do not run hold something")
    in_flight = process.gateway.in_flight
    _must(in_flight.count <= in_flight.max_in_flight, f"{in_flight.count} calls are under way")
    _must(in_flight._running.keys() <= process.calls.keys(), "calls that do not run have a place in the gateway")


def _check_budgets(ledger: Ledger, keys: Mapping[str, VirtualKey]) -> None:
    held: dict[object, tuple[int, int]] = {}
    for call in ledger._running.values():
        for hold in call.answer.holds:
            if hold.window is not None:
                nano, count = held.get(hold.window, (0, 0))
                held[hold.window] = nano + (hold.amount if call.reserved is None else call.reserved), count + 1
    for window, budget in ledger.counters.budgets.items():
        _must((budget.reserved, budget.open) == held.get(window, (0, 0)), f"{window} has {budget.reserved} reserved, and calls hold {held}")
        limit = keys[window.scope].limits.max_budget_nano
        _must(limit is None or budget.used + budget.reserved <= limit, f"{window}: {budget.used} + {budget.reserved} of {limit}")


def check_answered(shared: Shared, call: Call) -> None:
    """Check that a call is accounted before its caller has the whole answer."""
    _must(call.call_id in shared.settled, f"call {call.marker} was answered before it was settled")


def check_rates(process: Process, keys: Mapping[str, VirtualKey]) -> None:
    """Check that no minute had more requests than its limit."""
    for scope, calls in process.counters.admitted.items():
        most = keys[scope].limits.rpm
        if most is not None:
            times = sorted(calls.values())
            for first, last in zip(times, times[most:], strict=False):
                _must(last - first >= _RATE_SECONDS, f"{scope}: more than {most} requests within {last - first:.1f} s")
            _must(all(one <= other for one, other in pairwise(times)), "time runs backwards")


def check_rest(process: Process) -> None:
    """Check that a process at rest holds nothing."""
    _must(not process.calls, "calls run")
    ledger = process.counters.ledger
    _must(not ledger.running, f"{ledger.running} calls hold something")
    _must(not ledger.counters.slots, "places are taken")
    _must(all(not (budget.reserved or budget.open) for budget in ledger.counters.budgets.values()), "money is reserved")
    in_flight = process.gateway.in_flight
    _must(not in_flight.count and not in_flight.queued, "calls are under way")
    _must(process.journal.inner.waiting() == 0, f"{process.journal.inner.waiting()} rows wait")
    _must(not process.journal.inner.writer.calls, "the journal has calls that did not end")
    for window, live in process.counters.ledger.spend(ledger.counters.budgets).items():
        stored = process.shared.database.windows.stored.get(window)
        _must(live.spent_nano == (stored.shown_nano if stored else 0), f"{window}: {live.spent_nano} counted, {stored} stored")


def check_books(shared: Shared, calls: list[Call]) -> None:
    """Check the ledger against everything that can be known of it, after all is stored."""
    _must(not any(served.is_open for served in shared.book), "connections are open")
    _must(SETTLED_TWICE not in shared.seen, "a call was settled in two ways")
    rows: dict[str, list[SpendRecord]] = {}
    for record in shared.database.ledger.values():
        rows.setdefault(record.call_id, []).append(record)
    _must(rows.keys() <= {call.call_id for call in calls}, "rows of calls that nobody made")
    served: dict[str, list[Served]] = {}
    for request in shared.book:
        served.setdefault(request.marker, []).append(request)
    for call in calls:
        _check_call(shared, call, rows.get(call.call_id, []), served.get(call.marker, []))
    _check_totals(shared)
    _check_ceilings(shared)
    _check_windows(shared)


def _check_call(shared: Shared, call: Call, rows: list[SpendRecord], served: list[Served]) -> None:
    name = f"call {call.marker} ({call.call_id})"
    rows = sorted(rows, key=lambda row: row.seq)
    _must([row.seq for row in rows] == list(range(len(rows))), f"{name} has the rows {[row.seq for row in rows]}")
    _must(bool(rows) or not served, f"{name} went upstream and has no row")
    earlier, reported = rows[1:], sum(request.is_reported for request in served)
    _must(len(earlier) <= reported, f"{name} has {len(earlier)} rows of earlier attempts, and {reported} were reported")
    _must(all(row.event.status == "error" for row in earlier), f"{name} has the rows {[row.event.status for row in rows]}")
    settled = shared.settled.get(call.call_id)
    if not rows:
        _must(not settled, f"{name} was settled and has no row")
        return
    last = rows[0]
    shared.count(f"rows {last.event.status}")
    shared.seen["billed attempts"] = shared.seen.get("billed attempts", 0) + len(rows) - 1
    shared.seen["estimates"] = shared.seen.get("estimates", 0) + (last.usage_source == "estimated")
    shared.seen["limited outputs"] = shared.seen.get("limited outputs", 0) + bool(last.event.warnings)
    _must(last.event.client_call_id == call.marker, f"{name} has another one's row")
    if settled is not None:
        _must(tuple(rows) == settled or last.event.status == "interrupted", f"{name} is not booked as it was settled")
    if last.event.status == "interrupted":
        _check_interrupted(shared, call, last)
        return
    _check_bills(name, last, rows, served)
    opened = shared.opened.get(call.call_id)
    if last.usage_source == "estimated" and opened is not None and opened.reserved_nano is not None:
        _must(last.cost.total_nano <= opened.reserved_nano, f"{name} is estimated at {last.cost.total_nano} of {opened.reserved_nano}")
    if call.is_answered:
        _must(last.event.status == "ok", f"{name} was answered and is booked as {last.event.status}")
    if call.words:
        _must((last.usage.output_total or 0) >= call.words, f"{name} got {call.words} words for {last.usage}")


def _check_bills(name: str, last: SpendRecord, rows: list[SpendRecord], served: list[Served]) -> None:
    """Each request whose usage was read whole is billed once, as it was reported; the last one of a call that was cut may be estimated."""
    billed = sorted(row.cost.total_nano for row in rows if row.usage_source == "provider")
    reported = sorted(request.nano for request in served if request.is_reported)
    if last.event.status == "ok":
        _must(billed == reported, f"{name} is billed {billed}, and {reported} was reported")
    left = list(reported)
    for nano in billed:
        _must(nano in left, f"{name} is billed {nano}, of {reported} that was reported")
        left.remove(nano)


def _check_interrupted(shared: Shared, call: Call, row: SpendRecord) -> None:
    name = f"interrupted call {call.marker}"
    _must(not call.is_answered, f"{name} was answered")
    opened = shared.opened.get(call.call_id)
    _must(opened is not None, f"{name} was never opened")
    _must(row.usage_source == "estimated", f"{name} is not flagged as estimated")
    if opened is not None and opened.reserved_nano is not None:
        _must(row.cost.total_nano <= opened.reserved_nano, f"{name} costs {row.cost.total_nano}, and {opened.reserved_nano} was held")


def _check_totals(shared: Shared) -> None:
    database = shared.database
    daily: dict[object, int] = {}
    windows: dict[object, int] = {}
    lifetime: dict[str, int] = {}
    for record in database.ledger.values():
        owner, nano = record.event.key_id or "", record.cost.total_nano
        daily[record.day, owner] = daily.get((record.day, owner), 0) + nano
        lifetime[owner] = lifetime.get(owner, 0) + nano
        for window in record.windows:
            if window.ends_at_ns is not None:
                windows[window] = windows.get(window, 0) + nano
    _must(daily == database.daily, f"the ledger has {daily} by the day, and the totals are {database.daily}")
    _must(lifetime == database.spent, f"the ledger has {lifetime}, and the keys have spent {database.spent}")
    stored = {window: spend.spent_nano for window, spend in database.windows.stored.items() if window.ends_at_ns is not None}
    _must(windows == stored, f"the ledger has {windows} by window, and the windows have {stored}")


def _check_windows(shared: Shared) -> None:
    """Check that no instant lies in two windows of one budget."""
    windows = {window for record in shared.database.ledger.values() for window in record.windows}
    for one in windows:
        for other in windows - {one}:
            is_apart = one.scope != other.scope or _end(one) <= other.starts_at_ns or _end(other) <= one.starts_at_ns
            _must(is_apart, f"{one} and {other} overlap")


def _end(window: BudgetWindow) -> float:
    return float("inf") if window.ends_at_ns is None else window.ends_at_ns


def _check_ceilings(shared: Shared) -> None:
    """Add up by windows of our own, so that one which the gateway begins twice is still one."""
    spent: dict[tuple[str, int], int] = {}
    keys = {key.id: key for _, key in shared.scenario.keys}
    for record in shared.database.ledger.values():
        key = keys[record.event.key_id or ""]  # type: ignore[index]
        for window in record.windows:
            duration = key.limits.budget_duration
            number = 0 if duration is None else (window.starts_at_ns - EPOCH_NS) // (_SECONDS[duration] * NS)
            spent[key.id, number] = spent.get((key.id, number), 0) + record.cost.total_nano
    for (owner, number), nano in spent.items():
        limit = keys[owner].limits.max_budget_nano  # type: ignore[index]
        _must(limit is None or nano <= limit, f"key {owner} spent {nano} of {limit} in window {number}")


def _must(condition: bool, what: str) -> None:
    if not condition:
        raise ViolationError(what)
