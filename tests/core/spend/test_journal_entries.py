"""Entries read as they were written, by older and newer releases too."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.stores import call_id_of, record
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import Attempt, CallEvent, EventError
from tianji_core.calls.usage import Usage
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.journal_entries import (
    Attempted,
    Entry,
    Flushed,
    Kind,
    OpenCall,
    Progress,
    Settled,
    Voided,
    fitting,
    read_entry,
)
from tianji_core.spend.journal_frames import Frame, FrameEncoder, read_frames
from tianji_core.spend.record import SpendRecord

CALL = call_id_of(1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WORD = st.none() | TEXT
COUNT = st.integers(0, 2**62)
USAGES = st.builds(
    Usage,
    input_text=st.none() | COUNT,
    output_text=st.none() | COUNT,
    units=st.dictionaries(TEXT, COUNT, max_size=2),
    reported_cost_usd=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    service_tier=WORD,
    rest=st.dictionaries(TEXT, st.none() | COUNT | TEXT | st.booleans() | st.floats(allow_nan=False) | st.lists(COUNT), max_size=2),
)
ERRORS = st.builds(EventError, type=TEXT, code=WORD, message=WORD, source=st.sampled_from(["upstream", "client"]))
ATTEMPTS = st.builds(
    Attempt,
    number=COUNT,
    deployment_id=TEXT,
    provider=TEXT,
    model_group=TEXT,
    model=TEXT,
    started_at_ns=COUNT,
    ended_at_ns=COUNT,
    outcome=st.sampled_from(["unbilled", "billed", "doubtful"]),
    status=st.none() | COUNT,
    error=st.none() | ERRORS,
)
EVENTS = st.builds(
    CallEvent,
    call_id=st.just(CALL),
    operation=TEXT,
    surface=TEXT,
    route=TEXT,
    stream=st.booleans(),
    model_asked=TEXT,
    started_at_ns=COUNT,
    ended_at_ns=COUNT,
    key_id=WORD,
    tags=st.lists(TEXT, max_size=2).map(tuple),
    metadata=st.dictionaries(TEXT, st.none() | TEXT | st.lists(TEXT) | st.dictionaries(TEXT, COUNT), max_size=2),
    usage=USAGES,
    usage_source=st.sampled_from(["provider", "estimated", "none"]),
    cost=st.builds(Cost, total_nano=st.integers(-(2**62), 2**62), basis=st.dictionaries(TEXT, TEXT, max_size=1)),
    status=st.sampled_from(["ok", "error", "interrupted"]),
    http_status=st.integers(100, 599),
    error=st.none() | ERRORS,
    attempts=st.lists(ATTEMPTS, max_size=2).map(tuple),
    cache_hit=st.booleans(),
)
WINDOWS = st.lists(st.builds(BudgetWindow, scope=TEXT, limit_key=TEXT, starts_at_ns=COUNT, ends_at_ns=st.none() | COUNT), max_size=2).map(
    tuple
)
RECORDS = st.builds(SpendRecord, seq=st.integers(0, 199), event=EVENTS, windows=WINDOWS)
ENTRIES: st.SearchStrategy[tuple[Kind, Entry]] = st.one_of(
    st.tuples(st.just(Kind.SETTLE), st.builds(Settled, call_id=st.just(CALL), records=st.lists(RECORDS, max_size=3).map(tuple))),
    st.tuples(
        st.just(Kind.OPEN),
        st.builds(
            OpenCall,
            call_id=st.just(CALL),
            started_at_ns=COUNT,
            key_id=WORD,
            user_id=WORD,
            team_id=WORD,
            end_user_id=WORD,
            surface=TEXT,
            model_group=TEXT,
            deployment_id=TEXT,
            model=TEXT,
            input_estimate=COUNT,
            reserved_nano=st.none() | COUNT,
            windows=WINDOWS,
            pricing_version=TEXT,
            tags=st.lists(TEXT, max_size=2).map(tuple),
        ),
    ),
    st.tuples(
        st.just(Kind.ATTEMPT),
        st.builds(
            Attempted,
            call_id=st.just(CALL),
            at_ns=COUNT,
            model_group=TEXT,
            provider=TEXT,
            deployment_id=TEXT,
            model=TEXT,
            billed=st.lists(RECORDS, max_size=2).map(tuple),
        ),
    ),
    st.tuples(
        st.just(Kind.PROGRESS),
        st.builds(Progress, call_id=st.just(CALL), at_ns=COUNT, output_bytes=COUNT, usage=st.none() | USAGES),
    ),
    st.tuples(st.just(Kind.VOID), st.just(Voided(call_id=CALL))),
    st.tuples(st.just(Kind.FLUSHED), st.builds(Flushed, segment=COUNT, offset=COUNT)),
)


def written(kind: Kind, entry: Entry) -> Frame:
    (frame,) = read_frames(FrameEncoder(7).encode(kind, entry), 7)
    assert isinstance(frame, Frame)
    return frame


@given(ENTRIES)
def test_entry_reads_as_it_was_written(found: tuple[Kind, Entry]) -> None:
    assert read_entry(written(*found)) == found[1]


def test_what_a_newer_release_adds_to_an_entry_is_passed_over() -> None:
    payload = msgspec.msgpack.encode({"call_id": CALL, "reason": "new"})
    assert read_entry(Frame(Kind.VOID, payload, 0, 1)) == Voided(call_id=CALL)


def test_kind_of_a_newer_release_says_nothing() -> None:
    assert read_entry(Frame(40, b"\x80", 0, 1)) is None


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x80", b"\x93\x01\x02\x03", b"\x91" * 5_000])
def test_whole_frame_that_is_no_entry_is_told(payload: bytes) -> None:
    with pytest.raises(ValueError, match="kind 4 cannot be read"):
        read_entry(Frame(Kind.SETTLE, payload, 0, 1))


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"number": 2**70}},
        {"metadata": {"text": "\ud800"}},
        {"metadata": {"deep": nested(100_000)}},
        {"metadata": {"long": "x" * (2 << 20)}},
        {"usage": Usage(input_text=2**80, rest={"count": 2**80})},
        {"user_agent": "\udcff" * 2_000_000},
        {"tags": tuple("x" * 1_000 for _ in range(2_000))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_settlement_that_cannot_be_written_can_when_it_is_cut(changes: dict[str, Any]) -> None:
    records = tuple(record(1, seq=seq, nano=77, **changes) for seq in range(20))
    entry = Settled(call_id=CALL, records=records)
    with pytest.raises((ValueError, OverflowError, RecursionError)):
        FrameEncoder(7).encode(Kind.SETTLE, entry)
    read = read_entry(written(Kind.SETTLE, fitting(entry)))
    assert isinstance(read, Settled)
    assert [(row.call_id, row.seq, row.cost.total_nano) for row in read.records] == [(CALL, seq, 77) for seq in range(20)]


def test_attempt_that_is_cut_keeps_its_bills() -> None:
    bills = tuple(record(1, seq=seq, user_agent="x" * 999_999) for seq in range(1, 12))
    entry = Attempted(call_id=CALL, at_ns=1, model_group="g" * 9_999, provider="", deployment_id="", model="", billed=bills)
    cut = fitting(entry)
    assert isinstance(cut, Attempted)
    assert ([bill.seq for bill in cut.billed], len(cut.model_group)) == ([bill.seq for bill in bills], 256)


def test_call_that_is_cut_keeps_its_counts() -> None:
    usage = Usage(input_text=5, reported_cost_usd=Decimal("0.1"), rest={"x": 1})
    entry = Progress(call_id=CALL, at_ns=2**90, output_bytes=7, usage=usage)
    expected = Progress(call_id=CALL, at_ns=2**63 - 1, output_bytes=7, usage=Usage(input_text=5, reported_cost_usd=Decimal("0.1")))
    assert fitting(entry) == expected


def test_row_that_is_cut_is_booked_to_the_same_windows() -> None:
    windows = tuple(BudgetWindow(scope="g:" + "x" * 999, limit_key="total", starts_at_ns=at, ends_at_ns=at + 1) for at in range(20))
    cut = fitting(Settled(call_id=CALL, records=(record(1, windows=windows, user_agent="x" * 999),)))
    assert isinstance(cut, Settled)
    assert (cut.records[0].windows, len(cut.records[0].event.user_agent or "")) == (windows, 256)


def test_row_of_a_release_without_windows_has_none() -> None:
    assert b"windows" not in msgspec.msgpack.encode(record(1))


def test_no_entry_has_a_place_for_what_was_said() -> None:
    names = {name for kind in (OpenCall, Attempted, Progress, Settled, SpendRecord, CallEvent, Usage) for name in kind.__struct_fields__}
    assert (
        names & {"request", "response", "messages", "prompt", "content", "text", "input", "output", "body", "headers", "secret", "key"}
        == set()
    )
