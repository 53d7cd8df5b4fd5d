"""A configuration as a tree that remembers where each value stands."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from tianji_core.config.problems import Place

ScalarValue = str | int | Decimal | bool | None


class Scalar(msgspec.Struct, frozen=True, kw_only=True):
    """One value.

    Attributes:
        text: As the file has it.
        reference: The text before references were replaced, or None where there was no reference. What came from a
            reference has no type of its own: it is text, and is read as whatever its key wants.
    """

    place: Place
    value: ScalarValue
    text: str
    reference: str | None = None


class ListNode(msgspec.Struct, frozen=True, kw_only=True):
    """Values in order."""

    place: Place
    items: tuple["Node", ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A key with its value; `place` is the key's."""

    place: Place
    name: str
    node: "Node"


class MapNode(msgspec.Struct, frozen=True, kw_only=True):
    """Entries by key, in the file's order."""

    place: Place
    entries: Mapping[str, Entry]


Node = Scalar | ListNode | MapNode


def plain(node: Node) -> object:
    """Return the node as the JSON-like value it stands for: fractions are `Decimal`."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, ListNode):
        return tuple(plain(item) for item in node.items)
    return {name: plain(entry.node) for name, entry in node.entries.items()}


def is_empty(node: Node) -> bool:
    """Whether the node says nothing: null, or an empty text, list or map."""
    if isinstance(node, Scalar):
        return node.value is None or node.value == ""
    return not (node.items if isinstance(node, ListNode) else node.entries)


def kind_of(node: Node) -> str:
    """Return what the node is, for a message; never its content."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "a map"
    if isinstance(node.value, bool):
        return "true or false"
    if isinstance(node.value, int):
        return "a whole number"
    if isinstance(node.value, Decimal):
        return "a number with a fraction"
    return "nothing" if node.value is None else "text"


__all__ = ["Entry", "ListNode", "MapNode", "Node", "Scalar", "ScalarValue", "is_empty", "kind_of", "plain"]
