"""YAML text to a tree of nodes that keep file and line.

The tree is built from the parser's events, not by PyYAML's own constructor: that one recurses, lets the last of two equal keys win
and forgets lines. Anchors and merge keys work; what they expand to is bounded. Source: YAML 1.1; PyYAML 6.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tianji_core.config.nodes import Entry, ListNode, MapNode, Node, Scalar
from tianji_core.config.problems import Place, Problems
from tianji_core.config.scalars import read_plain, read_tagged
from tianji_core.errors import ConfigurationError

MAX_BYTES = 1 << 20
MAX_NODES = 100_000
MAX_DEPTH = 64

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTAINER_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come yet."""

    place: Place
    is_map: bool
    anchor: str | None
    size: int = 1
    depth: int = 0
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[MapNode] = field(default_factory=list)
    key: Entry | None = None
    merge_key: bool = False


def read_yaml(file: str, text: str, problems: Problems) -> MapNode | None:
    """Return the file's map, or None after an error that leaves no tree. An empty file is an empty map.

    Errors (collected, with their line): what is not YAML, two equal keys, a second document, more than `MAX_BYTES`, `MAX_NODES`
    after expanding aliases or `MAX_DEPTH` levels, an alias inside its own anchor, tags beyond the JSON types.
    """
    try:
        return _Composer(file, problems).compose(text)
    except ConfigurationError as error:
        problems.errors.append(error)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problems.error(Place(file=file, line=line), f"this is not valid YAML: {error.problem or error.context}")
    except (yaml.YAMLError, UnicodeError):
        problems.error(Place(file=file, line=1), "this is not valid YAML: it holds characters that YAML does not allow")
    return None


class _Composer:
    """Builds one file's tree with its own stack, so that nesting cannot exhaust the interpreter's."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._anchors: dict[str, tuple[Node, int, int]] = {}  # with size and depth
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0

    def compose(self, text: str) -> MapNode:
        if len(text.encode()) > MAX_BYTES:
            raise ConfigurationError(f"the file is larger than {MAX_BYTES} bytes", file=self._file, line=1)
        for event in self._events(text):
            self._take(event)
        if self._root is None or (isinstance(self._root, Scalar) and self._root.value is None):
            return MapNode(place=Place(file=self._file, line=1), entries={})
        if not isinstance(self._root, MapNode):
            raise self._broken(self._root.place, "the file must be a map of settings at its top level")
        return self._root

    def _events(self, text: str) -> Iterator[Any]:
        return yaml.parse(text, Loader=_LOADER)

    def _broken(self, place: Place, message: str) -> ConfigurationError:
        return ConfigurationError(message, file=place.file, line=place.line)

    def _take(self, event: Any) -> None:
        place = Place(file=self._file, line=event.start_mark.line + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._broken(place, "the file holds more than one YAML document")
        elif isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, place)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event, place)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, place)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()

    def _take_scalar(self, event: Any, place: Place) -> None:
        plain = event.tag is None and event.implicit[0]
        if self._wants_key():
            if event.anchor is not None:
                self._anchors[event.anchor] = (Scalar(place=place, value=event.value, text=event.value), 1, 0)
            self._take_key(event.value, place, merge=plain and event.value == "<<")
            return
        try:
            value = read_plain(event.value) if plain else event.value if event.tag is None else read_tagged(event.value, event.tag)
        except ValueError as error:
            raise self._broken(place, str(error)) from None
        self._finish(Scalar(place=place, value=value, text=event.value), 1, 0, event.anchor)

    def _wants_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_map and self._stack[-1].key is None

    def _take_key(self, name: str, place: Place, *, merge: bool) -> None:
        top = self._stack[-1]
        before = top.entries.get(name)
        if before is not None:
            self._problems.error(place, f"`{name}` stands twice: also in line {before.place.line}")
        # The node is a stand-in until the value comes.
        top.key = Entry(place=place, name=name, node=Scalar(place=place, value=None, text=""))
        top.merge_key = merge

    def _take_alias(self, event: Any, place: Place) -> None:
        if self._wants_key():
            raise self._broken(place, "a key must be text")
        found = self._anchors.get(event.anchor)
        if found is None:
            inside = any(frame.anchor == event.anchor for frame in self._stack)
            raise self._broken(place, "an alias stands inside its own anchor" if inside else "an alias names an anchor that does not exist")
        self._finish(*found, None)

    def _open(self, event: Any, place: Place) -> None:
        if self._wants_key():
            raise self._broken(place, "a key must be text")
        if event.tag not in _CONTAINER_TAGS:
            raise self._broken(place, "this YAML tag is not supported")
        self._check_depth(len(self._stack) + 1, place)
        self._stack.append(_Open(place=place, is_map=isinstance(event, yaml.MappingStartEvent), anchor=event.anchor))

    def _close(self) -> None:
        frame = self._stack.pop()
        node: Node
        if frame.is_map:
            node = MapNode(place=frame.place, entries=_with_merged(frame))
        else:
            node = ListNode(place=frame.place, items=tuple(frame.items))
        self._finish(node, frame.size, frame.depth + 1, frame.anchor)

    def _finish(self, node: Node, size: int, depth: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size, depth)
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        top.size += size
        top.depth = max(top.depth, depth)
        self._check_depth(len(self._stack) + depth, node.place)
        if top.size > MAX_NODES:
            raise self._broken(node.place, f"the file has more than {MAX_NODES} values, aliases expanded")
        if not top.is_map:
            top.items.append(node)
        elif top.key is not None:
            self._add_entry(top, top.key, node)

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth > MAX_DEPTH:
            raise self._broken(place, f"the file is nested more than {MAX_DEPTH} levels deep, aliases expanded")

    def _add_entry(self, top: _Open, key: Entry, node: Node) -> None:
        top.key = None
        if not top.merge_key:
            top.entries[key.name] = Entry(place=key.place, name=key.name, node=node)
            return
        for part in node.items if isinstance(node, ListNode) else (node,):
            if not isinstance(part, MapNode):
                raise self._broken(key.place, "`<<` takes a map or a list of maps")
            top.merged.append(part)


def _with_merged(frame: _Open) -> dict[str, Entry]:
    """Return the map's own entries, then what its merge keys add: the first that has a key wins."""
    if not frame.merged:
        return frame.entries
    result = dict(frame.entries)
    for part in frame.merged:
        for name, entry in part.entries.items():
            result.setdefault(name, entry)
    return result


__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "read_yaml"]
