"""Reading the fields of a management request: every bad one is found, not only the first."""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from tianji_core.errors import Fault, UnprocessableError

Check = Callable[[Any], Any]
"""Takes a value of the right type; returns it as it is kept, or raises ValueError (`TypeError` never) saying what is wrong."""

UNSUPPORTED = "unsupported_field"
_MOST_NAMES, _MOST_CHARACTERS = 50, 64


@dataclass(slots=True)
class FieldReader:
    """Takes fields out of one object and collects what is wrong with them."""

    faults: list[Fault] = field(default_factory=list)

    def read(self, name: str, value: object, kind: Any, check: Check | None = None) -> Any:
        """Return the value as `kind` (anything that msgspec converts to), or UNSET after noting a fault."""
        try:
            found = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._mistyped(name, str(error))
            return msgspec.UNSET
        if check is None or found is None:
            return found
        try:
            return check(found)
        except ValueError as error:
            self.faults.append(Fault(name, f"`{name}` {error}", "invalid_value"))
            return msgspec.UNSET

    def unsupported(self, name: str) -> None:
        """Note a field that this gateway does not have, and whose value would mean something."""
        self.faults.append(Fault(name, f"`{name}` is not supported yet", UNSUPPORTED))

    def unknown(self, name: str, known: Collection[str]) -> None:
        """Note a field that nobody knows."""
        near = difflib.get_close_matches(name, known, n=1)
        self.faults.append(Fault(name, f"`{name}` is unknown" + (f"; did you mean `{near[0]}`?" if near else ""), "unknown_field"))

    def finish(self) -> None:
        """Raise what was found.

        Raises:
            UnprocessableError: (`unsupported_field` where nothing else is wrong) with every fault.
        """
        if self.faults:
            raise unprocessable(self.faults)

    def _mistyped(self, name: str, message: str) -> None:
        reason, _, place = message.partition(" - at `")
        path = name + place.rstrip("`").removeprefix("$").replace("[...]", "").replace("[", ".").replace("]", "")
        code = "invalid_type" if ", got " in reason else "invalid_value"
        self.faults.append(Fault(path, f"`{path}`: {reason[:1].lower()}{reason[1:]}", code))


def unprocessable(faults: Sequence[Fault]) -> UnprocessableError:
    """Return the error that names every fault."""
    only_unsupported = all(fault.code == UNSUPPORTED for fault in faults)
    return UnprocessableError(
        "; ".join(fault.message for fault in faults),
        faults=faults,
        param=faults[0].field,
        code=UNSUPPORTED if only_unsupported else None,
        hint="leave it out, or send null" if only_unsupported else None,
    )


def is_empty(value: object) -> bool:
    """Whether a value says nothing: null, an empty text, list or object, or false. Zero says something."""
    return value is None or value is False or value in ("", [], {})


def each(check: Check) -> Check:
    """Return the check of a list of values, or of the names and values of an object."""

    def check_all(values: Any) -> Any:
        if isinstance(values, Mapping):
            return {check(name): check(value) for name, value in values.items()}
        return tuple(check(value) for value in values)

    return check_all


def header_list(names: Sequence[str]) -> str:
    """Return names that a client chose as the value of a header: percent-encoded, and not more or longer ones than a header can bear."""
    shown = [quote(name[:_MOST_CHARACTERS], safe="$[]", errors="replace") for name in names[:_MOST_NAMES]]
    return ", ".join(shown + (["..."] if len(names) > _MOST_NAMES else []))
