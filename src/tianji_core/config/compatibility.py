"""Reading a block by its table: spellings, unknown keys, and known keys that have no code yet.

A protection is never silently ignored: a key that protects and is not built refuses the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import msgspec

from tianji_core.calls.secret import Secret
from tianji_core.config.nodes import Entry, ListNode, MapNode, Node, Scalar, is_empty
from tianji_core.config.problems import Place, Problems
from tianji_core.config.schema.keys import Key, Table
from tianji_core.config.spelling import suggestion
from tianji_core.config.typed import WrongValueError, typed

ValueT = TypeVar("ValueT")

_ANCHORS = "x-"  # the usual name for a place where YAML anchors are defined


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One setting: its typed value and where it stands."""

    name: str
    value: object
    node: Node
    place: Place


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A block that was read. `values` are its built keys by their own name, `unknown` the entries that its table does not know.

    `given` names every key that stands there, also those whose value could not be read: they are wrong, not missing.
    """

    place: Place
    values: Mapping[str, Value]
    unknown: Mapping[str, Entry]
    given: frozenset[str] = frozenset()

    def get(self, name: str, kind: type[ValueT]) -> ValueT | None:
        """Return a setting's value, or None where it is absent."""
        found = self.values.get(name)
        return found.value if found is not None and isinstance(found.value, kind) else None

    def lacks(self, name: str) -> bool:
        """Whether the key is absent; one whose value was reported as wrong is not."""
        return name not in self.given

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false; `default` where the key is absent."""
        value = self.get(name, bool)
        return default if value is None else value

    def text(self, name: str) -> str | None:
        """Return a text, never an empty one."""
        return self.get(name, str)

    def secret(self, name: str) -> Secret | None:
        """Return a credential."""
        return self.get(name, Secret)

    def whole(self, name: str) -> int | None:
        """Return a whole number."""
        return self.get(name, int)

    def seconds(self, name: str) -> float | None:
        """Return a duration in seconds."""
        return self.get(name, float)

    def number(self, name: str) -> Decimal | None:
        """Return an exact number."""
        return self.get(name, Decimal)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; an absent one is empty."""
        return self.get(name, tuple) or ()

    def place_of(self, name: str) -> Place:
        """Return where a key stands; the block's own place where it is absent."""
        found = self.values.get(name)
        return found.place if found is not None else self.place


@dataclass(slots=True)
class BlockReader:
    """Reads blocks and collects what is wrong with them.

    Attributes:
        strict: Unknown keys are errors.
        allow_unsupported: Protections without code are warnings.
    """

    problems: Problems
    strict: bool = False
    allow_unsupported: bool = False

    def read(self, node: MapNode, table: Table) -> Block:
        """Return the block; unknown keys are reported."""
        block = self.read_known(node, table)
        for entry in block.unknown.values():
            self._unknown(entry, table)
        return block

    def read_known(self, node: MapNode, table: Table) -> Block:
        """Return the block and leave its unknown keys to the caller."""
        values: dict[str, Value] = {}
        unknown: dict[str, Entry] = {}
        spelt: dict[str, Entry] = {}
        for name, entry in node.entries.items():
            key = table.by_spelling.get(name)
            if key is None:
                unknown[name] = entry
            elif not is_empty(entry.node) or (key.empty_counts and isinstance(entry.node, ListNode)) or _is_broken(entry.node):
                self._known(entry, key, table, values, spelt)
        return Block(place=node.place, values=values, unknown=unknown, given=frozenset(spelt))

    def child(self, block: Block, name: str, table: Table) -> Block:
        """Return the block that stands under a key; an absent one is an empty one."""
        node = block.get(name, MapNode)
        return self.read(node if node is not None else MapNode(place=block.place, entries={}), table)

    def _known(self, entry: Entry, key: Key, table: Table, values: dict[str, Value], spelt: dict[str, Entry]) -> None:
        before = spelt.get(key.name)
        if before is not None:
            message = f"`{before.name}` (line {_line(before, entry)}) and `{entry.name}` are two spellings of one key in {table.path}"
            self.problems.error(entry.place, message, "keep one of them")
            return
        spelt[key.name] = entry
        if _is_broken(entry.node):
            return
        try:
            value = typed(entry.node, key)
        except WrongValueError as error:
            self.problems.error(entry.place, f"`{entry.name}` in {table.path}: {error}")
            return
        if key.status in ("built", "weights"):
            values[key.name] = Value(name=entry.name, value=value, node=entry.node, place=entry.place)
        elif not _is_neutral(value, entry.node, key):
            self._without_code(entry, key, table)

    def _without_code(self, entry: Entry, key: Key, table: Table) -> None:
        shown = f"`{entry.name}` in {table.path}"
        if key.status == "accepted":
            self.problems.warn_once(f"{table.path}.{key.name}", entry.place, f"{shown} has no meaning for TianJi and is ignored")
        elif key.status == "other":
            self.problems.warn_once(f"{table.path}.{key.name}", entry.place, f"{shown} is not built yet and has no effect")
        else:
            self.refuse_protection(entry.place, shown)

    def refuse_protection(self, place: Place, shown: str) -> None:
        """Report a protection that has no code: an error, unless such protections are allowed to be missing."""
        if self.allow_unsupported:
            self.problems.warn(place, f"{shown} protects something, is not built yet and has NO EFFECT")
            return
        hint = "remove it, or set `general_settings.allow_unsupported: true` to run without this protection"
        self.problems.error(place, f"{shown} protects something and is not built yet", hint)

    def _unknown(self, entry: Entry, table: Table) -> None:
        if entry.name.startswith(_ANCHORS):
            return
        near = None if self.problems.are_many else suggestion(entry.name, table.by_spelling)
        hint = f"did you mean `{near}`?" if near else None
        message = f"unknown key `{entry.name}` in {table.path}"
        if self.strict or table.ours:
            self.problems.error(entry.place, message, hint)
        else:
            self.problems.warn(entry.place, f"{message}; {hint}" if hint else message)


def peek_flag(tree: MapNode, block: str, name: str) -> bool:
    """Return a flag that decides how the rest is read. A wrong type is reported when its block is read."""
    entry = tree.entries.get(block)
    found = entry.node.entries.get(name) if entry is not None and isinstance(entry.node, MapNode) else None
    if found is None:
        return False
    try:
        return typed(found.node, Key(name=name, kind="flag")) is True
    except WrongValueError:
        return False


def _is_neutral(value: object, node: Node, key: Key) -> bool:
    if isinstance(value, str | bool | int | Decimal | float):
        return any(value == neutral and isinstance(value, bool) == isinstance(neutral, bool) for neutral in key.neutral)
    return isinstance(node, Scalar) and node.value is False and False in key.neutral


def _is_broken(node: Node) -> bool:
    """Whether the value is a reference that led nowhere, which was reported already."""
    return isinstance(node, Scalar) and node.value is None and node.reference is not None


def _line(before: Entry, after: Entry) -> str:
    return str(before.place.line) if before.place.file == after.place.file else str(before.place)


__all__ = ["Block", "BlockReader", "Value", "peek_flag"]
