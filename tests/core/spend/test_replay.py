"""What a dead process's journal owes to the ledger."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.journals import NANO_PER_TOKEN, by_the_token
from support.stores import call_id_of, record
from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import Usage
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.journal_entries import Attempted, Entry, Flushed, Kind, OpenCall, Progress, Settled, Voided
from tianji_core.spend.journal_frames import SEGMENT_HEADER_BYTES, Frame, FrameEncoder, read_frames
from tianji_core.spend.replay import BEGINNING, InterruptedBilling, Position, Replay, Running, interrupted_rows, settlements


@dataclass
class Book:
    """Segments in memory."""

    segments: list[bytearray] = field(default_factory=lambda: [bytearray()])

    def note(self, kind: Kind, entry: Entry) -> Position:
        self.segments[-1] += FrameEncoder(7).encode(kind, entry)
        return Position(len(self.segments), len(self.segments[-1]) + SEGMENT_HEADER_BYTES)

    def frames(self, number: int) -> list[Frame]:
        return [part for part in read_frames(bytes(self.segments[number - 1]), 7) if isinstance(part, Frame)]

    def replay(self) -> tuple[list[str], list[str]]:
        """Return the calls whose rows are to be booked, and those that were interrupted."""
        replay = Replay()
        for number in range(1, len(self.segments) + 1):
            for frame in self.frames(number):
                replay.add(frame)
        settled = [
            entry.call_id
            for number in range(1, len(self.segments) + 1)
            for entry, _ in settlements(number, self.frames(number), replay.flushed)
        ]
        return settled, [running.call.call_id for running in replay.interrupted]


def opened(
    number: int = 1, *, reserved_nano: int | None = None, input_estimate: int = 100, windows: tuple[BudgetWindow, ...] = ()
) -> OpenCall:
    return OpenCall(
        windows=windows,
        call_id=call_id_of(number),
        started_at_ns=10,
        key_id="k",
        user_id=None,
        team_id="t",
        end_user_id=None,
        surface="openai.chat",
        model_group="fast",
        provider="openai",
        deployment_id="a",
        model="gpt-5-nano",
        input_estimate=input_estimate,
        reserved_nano=reserved_nano,
        pricing_version="v1",
        tags=("x",),
    )


def attempted(number: int = 1, *, billed: int = 0) -> Attempted:
    bills = tuple(record(number, seq=seq) for seq in range(1, billed + 1))
    return Attempted(
        call_id=call_id_of(number),
        at_ns=20,
        model_group="slow",
        provider="anthropic",
        deployment_id="b",
        model="claude",
        pricing_version="v2",
        billed=bills,
    )


def progressed(number: int = 1, *, output_bytes: int = 400, usage: Usage | None = None) -> Progress:
    return Progress(call_id=call_id_of(number), at_ns=30, output_bytes=output_bytes, usage=usage)


def settled(number: int) -> Settled:
    return Settled(call_id=call_id_of(number), records=(record(number),))


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["open", "attempt", "progress", "settle", "void", "flush", "rotate"]), st.integers(0, 4)), max_size=25
)


@dataclass
class Model:
    """What a reader with a perfect memory would say."""

    settled: list[tuple[str, Position]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    flushed: Position = BEGINNING
    ended: set[int] = field(default_factory=set)


def act(book: Book, model: Model, action: str, number: int) -> None:
    call_id = call_id_of(number)
    match action:
        case "open" if call_id not in model.running and number not in model.ended:
            book.note(Kind.OPEN, opened(number))
            model.running.append(call_id)
        case "attempt":
            book.note(Kind.ATTEMPT, attempted(number))
        case "progress":
            book.note(Kind.PROGRESS, progressed(number))
        case "settle" if number not in model.ended:
            model.settled.append((call_id, book.note(Kind.SETTLE, settled(number))))
            model.running = [other for other in model.running if other != call_id]
            model.ended.add(number)
        case "void" if call_id in model.running:
            book.note(Kind.VOID, Voided(call_id=call_id))
            model.running.remove(call_id)
        case "flush" if number < len(model.settled):
            model.flushed = max(model.flushed, model.settled[number][1])
            book.note(Kind.FLUSHED, Flushed(segment=model.settled[number][1].segment, offset=model.settled[number][1].offset))
        case "rotate":
            book.segments.append(bytearray())


@given(ACTIONS)
def test_rows_to_book_are_those_settled_and_not_flushed(actions: list[tuple[str, int]]) -> None:
    book, model = Book(), Model()
    for action, number in actions:
        act(book, model, action, number)
    assert book.replay() == ([call for call, end in model.settled if end > model.flushed], model.running)


@given(actions=ACTIONS, at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_damage_books_nothing_that_was_not_settled(actions: list[tuple[str, int]], at: int, flip: int) -> None:
    """A damaged settlement makes its call an interrupted one, a damaged mark makes its rows come again: both are known by their keys."""
    book, model = Book(), Model()
    for action, number in actions:
        act(book, model, action, number)
    segment = book.segments[at % len(book.segments)]
    if segment:
        segment[at % len(segment)] ^= flip
    rows, interrupted = book.replay()
    assert len(set(rows)) == len(rows)
    assert set(rows) <= {call for call, _ in model.settled}
    assert set(interrupted) <= {*model.running, *(call for call, _ in model.settled), *(call_id_of(number) for number in range(5))}
    missing = {call for call, end in model.settled if end > model.flushed} - set(rows)
    assert len(missing) <= 1, "one byte hits one frame"


@given(actions=ACTIONS, cut=st.integers(0, 20_000))
def test_journal_that_ends_anywhere_says_what_was_written_till_then(actions: list[tuple[str, int]], cut: int) -> None:
    book, model, states = Book(), Model(), [(0, BEGINNING, list[str](), list[tuple[str, Position]]())]
    for action, number in actions:
        if action != "rotate":
            act(book, model, action, number)
            states.append((len(book.segments[0]), model.flushed, list(model.running), list(model.settled)))
    cut %= len(book.segments[0]) + 1
    del book.segments[0][cut:]
    _, flushed, running, written = [state for state in states if state[0] <= cut][-1]
    assert book.replay() == ([call for call, end in written if end > flushed], running)


def test_mark_that_comes_late_does_not_take_back_a_later_one() -> None:
    replay = Replay()
    book = Book()
    book.note(Kind.FLUSHED, Flushed(segment=2, offset=50))
    book.note(Kind.FLUSHED, Flushed(segment=2, offset=40))
    for frame in book.frames(1):
        replay.add(frame)
    assert replay.flushed == Position(2, 50)


def test_frame_that_is_no_entry_is_told_and_settles_nothing() -> None:
    frame = Frame(Kind.SETTLE, b"\x80", 0, 13)
    with pytest.raises(ValueError, match="cannot be read"):
        Replay().add(frame)
    assert list(settlements(1, [frame], BEGINNING)) == []


def test_interrupted_call_has_one_row_with_what_was_known() -> None:
    (row,) = interrupted_rows(Running(call=opened()), by_the_token)
    event = row.event
    assert (row.seq, event.status, event.usage_source, event.error is not None) == (0, "interrupted", "estimated", True)
    assert (event.key_id, event.team_id, event.tags, event.deployment_id, event.provider) == ("k", "t", ("x",), "a", "openai")
    assert (event.usage, event.cost.total_nano) == (Usage(input_text=100, output_text=0), 100 * NANO_PER_TOKEN)
    assert (event.started_at_ns, event.ended_at_ns, event.went_upstream, event.pricing_version) == (10, 10, True, "v1")


def test_interrupted_call_is_booked_to_the_windows_that_admitted_it() -> None:
    windows = (BudgetWindow(scope="k:k", limit_key="total", starts_at_ns=5, ends_at_ns=9),)
    running = Running(call=opened(windows=windows)).attempted(attempted(billed=1)).progressed(progressed())
    replay = Replay()
    book = Book()
    for kind, entry in running.entries():
        book.note(kind, entry)
    for frame in book.frames(1):
        replay.add(frame)
    row, billed = interrupted_rows(replay.interrupted[0], by_the_token)
    assert (row.windows, billed.windows) == (windows, ())


def test_interrupted_stream_is_estimated_from_its_last_progress() -> None:
    running = Running(call=opened()).progressed(progressed(output_bytes=40)).progressed(progressed(output_bytes=400))
    (row,) = interrupted_rows(running, by_the_token)
    assert (row.usage, row.event.ended_at_ns) == (Usage(input_text=100, output_text=100), 30)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (Usage(input_text=90, cache_read=5), Usage(input_text=90, cache_read=5, output_text=100)),
        (Usage(input_text=90, output_text=150), Usage(input_text=90, output_text=150)),
        (Usage(input_text=90, output_text=10, reasoning=20), Usage(input_text=90, output_text=80, reasoning=20)),
        (Usage(output_text=150), Usage(input_text=100, output_text=150)),
    ],
)
def test_what_the_provider_reported_goes_before_the_estimate(reported: Usage, expected: Usage) -> None:
    (row,) = interrupted_rows(Running(call=opened()).progressed(progressed(usage=reported)), by_the_token)
    assert row.usage == expected


@pytest.mark.parametrize(
    ("billing", "reserved", "nano"),
    [
        ("received", None, 2_000),
        ("received", 5_000, 2_000),
        ("received", 1_500, 1_500),
        ("bound", 5_000, 5_000),
        ("bound", 1_500, 1_500),
        ("bound", None, 2_000),
        ("zero", 5_000, 0),
        ("zero", None, 0),
    ],
)
def test_interrupted_call_costs_what_was_received_or_its_bound_or_nothing(
    billing: InterruptedBilling, reserved: int | None, nano: int
) -> None:
    running = Running(call=opened(reserved_nano=reserved)).progressed(progressed())
    (row,) = interrupted_rows(running, by_the_token, billing)
    cost = row.cost
    parts = cost.input_nano + cost.cache_read_nano + cost.cache_write_nano + cost.output_nano + cost.tools_nano + cost.other_nano
    assert (cost.total_nano, parts, cost.adjustment_nano) == (nano, nano, cost.other_nano)


def test_interrupted_call_is_priced_by_its_last_attempt() -> None:
    asked: list[str] = []

    def price(call: OpenCall, usage: Usage) -> Cost:
        asked.append(call.deployment_id)
        return by_the_token(call, usage)

    running = Running(call=opened()).progressed(progressed()).attempted(attempted(billed=1)).attempted(attempted(billed=0))
    rows = interrupted_rows(running, price)
    event = rows[0].event
    assert (asked, event.model, event.provider, event.model_group, event.pricing_version) == (["b"], "claude", "anthropic", "slow", "v2")
    assert event.usage == Usage(input_text=100, output_text=0), "what the attempt before had produced is in its own bill"
    assert [row.seq for row in rows] == [0, 1]


@pytest.mark.parametrize("billed", [0, 2])
@pytest.mark.parametrize("usage", [None, Usage(input_text=3)])
def test_call_that_is_noted_again_is_the_same_call(billed: int, usage: Usage | None) -> None:
    running = Running(call=opened()).attempted(attempted(billed=billed)).progressed(progressed(usage=usage))
    book, replay = Book(), Replay()
    book.note(Kind.OPEN, opened())
    for kind, entry in running.entries():
        book.note(kind, entry)
    for frame in book.frames(1):
        replay.add(frame)
    assert replay.interrupted == (running,)


def test_replay_comes_to_the_same_rows_again() -> None:
    running = Running(call=opened()).progressed(progressed())
    assert interrupted_rows(running, by_the_token) == interrupted_rows(running, by_the_token)
