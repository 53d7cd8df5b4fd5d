"""What the spend journal says: one Struct an entry, under its own names, so that releases can read each other's.

No entry carries a prompt, an answer or a secret. Times are nanoseconds since the epoch, money is nano-USD.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar, cast

import msgspec

from tianji_core.calls.usage import Usage
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.journal_frames import Frame
from tianji_core.spend.record import SpendRecord

T = TypeVar("T")

_LONGEST_TEXT = 256
_MOST_ITEMS = 8
_MOST = 2**63 - 1


class Kind(IntEnum):
    """What a frame's payload is."""

    OPEN = 1
    ATTEMPT = 2
    PROGRESS = 3
    SETTLE = 4
    VOID = 5
    FLUSHED = 6


class OpenCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that is about to go upstream: everything a row would need if it never came back.

    Attributes:
        input_estimate: Tokens of the request, counted or bounded; 0 where nobody counted.
        reserved_nano: What admission holds for it; None where nothing is reserved, and then nothing bounds an estimate.
        windows: The budget windows that it holds something of.
        attempt_at_ns: When the attempt that it describes was sent; 0 for the first.
    """

    call_id: str
    started_at_ns: int
    attempt_at_ns: int = 0
    client_call_id: str | None = None
    session_id: str | None = None
    trace_id: str | None = None
    key_id: str | None
    key_hash: str | None = None
    key_alias: str | None = None
    user_id: str | None
    team_id: str | None
    organization_id: str | None = None
    end_user_id: str | None
    tags: tuple[str, ...] = ()
    operation: str = "chat"
    surface: str
    route: str = ""
    stream: bool = False
    model_asked: str = ""
    model_group: str
    provider: str = ""
    deployment_id: str
    model: str
    input_estimate: int
    reserved_nano: int | None = None
    windows: tuple[BudgetWindow, ...] = ()
    pricing_version: str


class Attempted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A later attempt of an opened call: who serves it now, and the rows of the attempts before it that were billed."""

    call_id: str
    at_ns: int
    model_group: str
    provider: str
    deployment_id: str
    model: str
    pricing_version: str = ""
    billed: tuple[SpendRecord, ...] = ()


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far an answer has come: its bytes of output so far, and the usage that the provider last reported."""

    call_id: str
    at_ns: int
    output_bytes: int
    usage: Usage | None = None


class Settled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The finished rows of a call."""

    call_id: str
    records: tuple[SpendRecord, ...]


class Voided(msgspec.Struct, frozen=True, kw_only=True):
    """An opened call of which nothing was sent."""

    call_id: str


class Flushed(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger has every settlement that ends at or before this offset of this segment."""

    segment: int
    offset: int


Entry = OpenCall | Attempted | Progress | Settled | Voided | Flushed

_DECODERS: Mapping[int, msgspec.msgpack.Decoder[Entry]] = {
    Kind.OPEN: msgspec.msgpack.Decoder(OpenCall),
    Kind.ATTEMPT: msgspec.msgpack.Decoder(Attempted),
    Kind.PROGRESS: msgspec.msgpack.Decoder(Progress),
    Kind.SETTLE: msgspec.msgpack.Decoder(Settled),
    Kind.VOID: msgspec.msgpack.Decoder(Voided),
    Kind.FLUSHED: msgspec.msgpack.Decoder(Flushed),
}


def read_entry(frame: Frame) -> Entry | None:
    """Return what a frame says; None for a kind that only a later release knows.

    Raises:
        ValueError: the bytes are whole, but not such an entry.
    """
    decoder = _DECODERS.get(frame.kind)
    if decoder is None:
        return None
    try:
        return decoder.decode(frame.payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"an entry of kind {frame.kind} cannot be read: {type(error).__name__}") from error


def fitting(entry: Entry) -> Entry:
    """Return an entry that can be written whatever callers and providers put into it: long texts cut, free-form maps left out.

    For the rare entry that MessagePack cannot carry or that is too long. Rows, their money, its windows and their counts of tokens stay.
    """
    if isinstance(entry, Settled):
        return Settled(call_id=entry.call_id, records=tuple(_fitting(record) for record in entry.records))
    if isinstance(entry, Attempted):
        cut = _fitting(msgspec.structs.replace(entry, billed=()))
        return msgspec.structs.replace(cut, billed=tuple(_fitting(record) for record in entry.billed))
    return _fitting(entry)


def _fitting(value: T) -> T:
    return cast("T", _cut(value))


def _cut(value: object) -> object:
    match value:
        case bool():
            return value
        case int():
            return max(-_MOST, min(_MOST, value))
        case str():
            return value[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
        case (BudgetWindow(), *_):
            return value
        case tuple():
            return tuple(_cut(item) for item in value[:_MOST_ITEMS])
        case Mapping():
            return {}
        case msgspec.Struct():
            return type(value)(**{name: _cut(getattr(value, name)) for name in value.__struct_fields__})
    return value
