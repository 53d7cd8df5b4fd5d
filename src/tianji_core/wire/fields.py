"""Taking known fields out of one JSON object, with their types checked; what is left is the object's `rest`."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tianji_core.errors import InvalidRequestError

Number = int | Decimal
_KINDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "integer": ("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "number": ("a number", lambda value: isinstance(value, int | Decimal) and not isinstance(value, bool)),
    "array": ("an array", lambda value: isinstance(value, list)),
    "object": ("an object", lambda value: isinstance(value, dict)),
}


@dataclass(slots=True)
class Fields:
    """One JSON object of a client. Every `take` removes its field; null counts as absent.

    Attributes:
        path: Where the object stands, as the caller's API writes it (`messages.[0]`); empty at the top.
        index: How that API writes a position in a list: `[{}]` or `{}`.
    """

    values: dict[str, object]
    path: str = ""
    index: str = "[{}]"

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def item(self, name: str, position: int) -> str:
        """Return the path of an element of a list field."""
        return f"{self.at(name)}.{self.index.format(position)}"

    def inside(self, value: dict[str, object], name: str, position: int | None = None) -> "Fields":
        """Return the fields of an object that stands in this one. The object is not changed by taking."""
        path = self.at(name) if position is None else self.item(name, position)
        return Fields(dict(value), path, self.index)

    def take(self, name: str, kind: str) -> object | None:
        """Return a field of a kind (`string`, `boolean`, `integer`, `number`, `array`, `object`), or None.

        Raises:
            InvalidRequestError: (`invalid_type`) it has another type.
        """
        value = self.values.pop(name, None)
        if value is not None and not _KINDS[kind][1](value):
            raise self.wrong_type(name, kind, value)
        return value

    def text(self, name: str) -> str | None:
        """Take a string."""
        value = self.take(name, "string")
        return value if isinstance(value, str) else None

    def boolean(self, name: str) -> bool | None:
        """Take a boolean."""
        value = self.take(name, "boolean")
        return value if isinstance(value, bool) else None

    def integer(self, name: str) -> int | None:
        """Take an integer; a number such as `16.0` is one."""
        value = self.values.get(name)
        if isinstance(value, Decimal) and value.is_finite() and abs(value) < Decimal(2**63) and value == value.to_integral_value():
            self.values[name] = int(value)
        taken = self.take(name, "integer")
        return taken if isinstance(taken, int) else None

    def number(self, name: str) -> Number | None:
        """Take a number."""
        value = self.take(name, "number")
        return value if isinstance(value, int | Decimal) else None

    def array(self, name: str) -> list[object] | None:
        """Take a list."""
        value = self.take(name, "array")
        return value if isinstance(value, list) else None

    def mapping(self, name: str) -> dict[str, object] | None:
        """Take an object."""
        value = self.take(name, "object")
        return value if isinstance(value, dict) else None

    def objects(self, name: str) -> list[dict[str, object]]:
        """Take a list of objects; empty when absent."""
        return [self.as_object(item, name, position) for position, item in enumerate(self.array(name) or [])]

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of strings; empty when absent."""
        items = self.array(name) or []
        for position, item in enumerate(items):
            if not isinstance(item, str):
                raise _wrong(self.item(name, position), "a string", item)
        return tuple(str(item) for item in items)

    def required(self, name: str, value: object | None) -> None:
        """Complain when a field that must be there was absent.

        Raises:
            InvalidRequestError: (`missing_required_parameter`) `value` is None.
        """
        if value is None:
            raise InvalidRequestError(
                f"Missing required parameter: '{self.at(name)}'.", param=self.at(name), code="missing_required_parameter"
            )

    def required_text(self, name: str) -> str:
        """Take a string that must be there."""
        value = self.text(name)
        self.required(name, value)
        return value or ""

    def as_object(self, value: object, name: str, position: int) -> dict[str, object]:
        """Return an element of a list field as an object, or complain about its type."""
        if not isinstance(value, dict):
            raise _wrong(self.item(name, position), "an object", value)
        return value

    def wrong_type(self, name: str, kind: str, value: object) -> InvalidRequestError:
        """Return the complaint about a field of the wrong type."""
        return _wrong(self.at(name), _KINDS[kind][0] if kind in _KINDS else kind, value)

    def invalid(self, name: str, message: str) -> InvalidRequestError:
        """Return the complaint about a value that its type allows and its meaning does not."""
        return InvalidRequestError(f"Invalid value for '{self.at(name)}': {message}.", param=self.at(name), code="invalid_value")


def _wrong(path: str, wanted: str, value: object) -> InvalidRequestError:
    return InvalidRequestError(
        f"Invalid type for '{path}': expected {wanted}, but got {type_name(value)} instead.", param=path, code="invalid_type"
    )


def type_name(value: object) -> str:
    """Return what JSON calls the type of a value, for a message."""
    if value is None:
        return "null"
    for name in ("boolean", "integer", "number", "string", "array", "object"):
        if _KINDS[name][1](value):
            return _KINDS[name][0]
    return "something else"
