"""Column types that rest differently on the two engines and read the same.

| value                      | PostgreSQL    | SQLite                        |
|----------------------------|---------------|-------------------------------|
| instant, ns since the epoch| `timestamptz` | `INTEGER`, microseconds       |
| JSON                       | `jsonb`       | `TEXT`                        |
| text                       | `text`        | `TEXT`                        |

Both engines keep whole microseconds, so the last three digits of an instant are lost.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import DateTime, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from tianji_core.wire import json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NS_PER_MICROSECOND = 1_000
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
# `numeric` inside jsonb refuses larger exponents; no measured quantity comes near.
_LARGEST_EXPONENT = 1_000


class Instant(TypeDecorator[int]):
    """Integer nanoseconds since the epoch."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the engine stores."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Integer())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> object:
        """Return the stored form of nanoseconds."""
        if value is None:
            return None
        microseconds = value // _NS_PER_MICROSECOND
        return _EPOCH + timedelta(microseconds=microseconds) if dialect.name == "postgresql" else microseconds

    def process_result_value(self, value: object | None, dialect: Dialect) -> int | None:
        """Return nanoseconds."""
        if isinstance(value, datetime):
            return (value - _EPOCH) // _MICROSECOND * _NS_PER_MICROSECOND
        return value * _NS_PER_MICROSECOND if isinstance(value, int) else None


class Json(TypeDecorator[object]):
    """Lists and objects. Numbers with a fraction come back as `Decimal`, as they arrive from clients."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the engine stores."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: object | None, dialect: Dialect) -> object:
        """Return what the driver takes: the value itself where the engine has a JSON type, its text where it has none."""
        if value is None:
            return None
        return storable(value) if dialect.name == "postgresql" else to_json(storable(value))

    def process_result_value(self, value: object | None, dialect: Dialect) -> object:
        """Return the value."""
        return value if dialect.name == "postgresql" or not isinstance(value, str) else from_json(value)


class Words(TypeDecorator[str]):
    """Text. What no database can hold (U+0000, half a surrogate pair) is kept and looked up as U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text that can be stored."""
        return None if value is None else clean(value)


def to_json(value: object) -> str:
    """Return compact JSON; `Decimal` keeps its digits."""
    return json.encode(value).decode()


def from_json(text: str) -> object:
    """Return the value of a JSON text; numbers with a fraction are `Decimal`."""
    return _DECODER.decode(text)


def clean(text: str) -> str:
    """Return the text with U+FFFD for U+0000 and for lone surrogates."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def storable(value: object) -> object:
    """Return a JSON value that every engine takes: a client's odd text or number must never stop the ledger."""
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {clean(str(name)): storable(inner) for name, inner in value.items()}
        case list() | tuple():
            return [storable(inner) for inner in value]
        case Decimal() if not value.is_finite() or abs(value.adjusted()) > _LARGEST_EXPONENT:
            return str(value)
        case _:
            return value
