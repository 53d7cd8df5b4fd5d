"""One tree from a file and the files it includes.

Reading files is not the core's business: `assemble` is called with what was read so far and asks for what it lacks.
"""

from collections.abc import Mapping
from posixpath import dirname, isabs, join, normpath

import msgspec

from tianji_core.config.nodes import Entry, ListNode, MapNode, Scalar, plain
from tianji_core.config.problems import Place, Problems
from tianji_core.config.yaml_source import read_yaml

MAX_FILES = 100


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was asked for: its text, or why there is none (`no such file`)."""

    text: str | None = None
    problem: str | None = None


class NeedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Read these files and call again. Paths are as configured, made relative to the including file's folder."""

    paths: tuple[str, ...]


def assemble(root: str, sources: Mapping[str, SourceFile], problems: Problems) -> MapNode | NeedFiles:
    """Return the whole configuration, without its `include` keys, or ask for files.

    The including file comes first, then what it includes, in order. Lists are concatenated, maps merged; of two single values the
    later one wins, with a warning when they differ. A file counts once, however often it is included; a cycle is an error.

    Raises:
        ConfigurationErrors: a file cannot be read, or is no YAML; without its text nothing more can be said.
    """
    walk = _Walk(sources, problems)
    walk.visit(root, (), None)
    if walk.needed:
        return NeedFiles(paths=tuple(walk.needed))
    if walk.lost:
        problems.raise_if_any()
    tree = MapNode(place=Place(file=root, line=1), entries={})
    for part in walk.parts:
        tree = merge(tree, part, problems)
    return tree


def beside(file: str, path: str) -> str:
    """Return a path that a file names: relative ones start at that file's folder."""
    return path if isabs(path) else normpath(join(dirname(file), path))


def merge(first: MapNode, second: MapNode, problems: Problems) -> MapNode:
    """Merge two maps deeply; the second is the later one."""
    entries = dict(first.entries)
    for name, entry in second.entries.items():
        before = entries.get(name)
        entries[name] = entry if before is None else _merge_entry(before, entry, problems)
    return MapNode(place=first.place, entries=entries)


def _merge_entry(before: Entry, after: Entry, problems: Problems) -> Entry:
    if isinstance(before.node, MapNode) and isinstance(after.node, MapNode):
        return Entry(place=before.place, name=before.name, node=merge(before.node, after.node, problems))
    if isinstance(before.node, ListNode) and isinstance(after.node, ListNode):
        joined = ListNode(place=before.node.place, items=before.node.items + after.node.items)
        return Entry(place=before.place, name=before.name, node=joined)
    if plain(before.node) != plain(after.node):
        problems.warn(after.place, f"`{after.name}` replaces the value of {before.place}")
    return after


class _Walk:
    """Visits the files in the order in which they are merged."""

    def __init__(self, sources: Mapping[str, SourceFile], problems: Problems) -> None:
        self._sources = sources
        self._problems = problems
        self._seen: set[str] = set()
        self.parts: list[MapNode] = []
        self.needed: dict[str, None] = {}
        self.lost = False

    def visit(self, path: str, above: tuple[str, ...], place: Place | None) -> None:
        """Add a file and what it includes. `above` holds the files that led here, `place` the line that names this one."""
        if path in self._seen:
            return
        source = self._sources.get(path)
        if source is None:
            self.needed[path] = None
            return
        self._seen.add(path)
        tree = self._read(path, source, place)
        if tree is None:
            self.lost = True
            return
        self.parts.append(MapNode(place=tree.place, entries={k: v for k, v in tree.entries.items() if k != "include"}))
        for included, line in self._includes(tree):
            self._visit_included(included, (*above, path), line)

    def _visit_included(self, path: str, above: tuple[str, ...], place: Place) -> None:
        if path in above:
            chain = " → ".join((*above[above.index(path) :], path))
            self._problems.error(place, f"files include each other in a circle: {chain}")
        elif path in self._seen:
            self._problems.warn(place, f"`{path}` is included more than once; it counts once")
        elif len(self._seen) >= MAX_FILES:
            self._problems.error(place, f"a configuration may consist of at most {MAX_FILES} files")
        else:
            self.visit(path, above, place)

    def _read(self, path: str, source: SourceFile, place: Place | None) -> MapNode | None:
        if source.text is not None:
            return read_yaml(path, source.text, self._problems)
        message = f"`{path}` cannot be read: {source.problem or 'it has no text'}"
        if place is None:
            self._problems.error_without_place(message, "give the path of a readable YAML file")
        else:
            self._problems.error(place, message, "paths in `include` are relative to the file that includes")
        return None

    def _includes(self, tree: MapNode) -> list[tuple[str, Place]]:
        entry = tree.entries.get("include")
        if entry is None or (isinstance(entry.node, Scalar) and entry.node.value is None):
            return []
        if not isinstance(entry.node, ListNode):
            self._problems.error(entry.place, "`include` must be a list of paths")
            return []
        return [(beside(item.place.file, path), item.place) for item in entry.node.items if (path := self._path(item))]

    def _path(self, item: object) -> str | None:
        if isinstance(item, Scalar) and isinstance(item.value, str) and item.value:
            return item.value
        if isinstance(item, Scalar | ListNode | MapNode):
            self._problems.error(item.place, "`include` must be a list of paths")
        return None


__all__ = ["MAX_FILES", "NeedFiles", "SourceFile", "assemble", "beside", "merge"]
