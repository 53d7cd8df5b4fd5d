"""References to the environment inside a configuration, and to secret stores, which are refused until there is code for them.

    os.environ/NAME                the whole value
    $NAME                          the whole value
    ${NAME}  ${NAME:-default}      anywhere in a text; the default stands for a variable that is unset or empty

What a reference gives is text. It remembers the reference, so that a key that wants a number can read one and a secret can be told
apart by where it comes from. A request's fields are never resolved.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from tianji_core.calls.secret import Secret
from tianji_core.config.nodes import Entry, ListNode, MapNode, Node, Scalar
from tianji_core.config.problems import Place, Problems

_ENVIRON = "os.environ/"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHOLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_INSIDE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_STORES = re.compile(
    r"(secret|vault|aws-sm|gcp-sm|azure-kv|conjur)://|(oidc)/(?:google|github|azure|circleci|circleci_v2|file|env|env_path)/"
)


class EnvironmentBlock(NamedTuple):
    """`environment_variables`, resolved.

    Attributes:
        visible: The process environment and what the block adds to it; references look here.
        to_set: What the block adds, for the process environment.
    """

    visible: Mapping[str, str]
    to_set: Mapping[str, Secret]


def resolve(tree: MapNode, environment: Mapping[str, str], problems: Problems) -> MapNode:
    """Return the tree with every reference replaced; each one that cannot be is an error of its own."""
    return MapNode(
        place=tree.place,
        entries={
            name: Entry(place=entry.place, name=name, node=_resolve(entry.node, environment, problems))
            for name, entry in tree.entries.items()
        },
    )


def read_environment(tree: MapNode, environment: Mapping[str, str], problems: Problems) -> EnvironmentBlock:
    """Read the `environment_variables` block. A variable that the process already has wins, with a warning where they differ.

    A value may refer to the process environment and to the block's earlier entries.
    """
    visible = dict(environment)
    to_set: dict[str, Secret] = {}
    entry = tree.entries.get("environment_variables")
    if entry is None or (isinstance(entry.node, Scalar) and entry.node.value is None):
        return EnvironmentBlock(visible, to_set)
    if not isinstance(entry.node, MapNode):
        problems.error(entry.place, "`environment_variables` must be a map of names to values")
        return EnvironmentBlock(visible, to_set)
    for name, item in entry.node.entries.items():
        text = _variable(item, visible, problems)
        if text is None:
            continue
        if name not in environment:
            visible[name] = text
            to_set[name] = Secret(text)
        elif environment[name] != text:
            problems.warn(item.place, f"the environment variable `{name}` is already set and keeps its value")
    return EnvironmentBlock(visible, to_set)


def _variable(item: Entry, visible: Mapping[str, str], problems: Problems) -> str | None:
    if not _NAME.fullmatch(item.name):
        problems.error(item.place, f"`{item.name}` is no name of an environment variable")
        return None
    if not isinstance(item.node, Scalar):
        problems.error(item.place, f"`{item.name}` in environment_variables must be a single value")
        return None
    if item.node.value is None:
        return None
    node = _resolve_scalar(item.node, visible, problems) if isinstance(item.node.value, str) else item.node
    if node.value is None:
        return None
    if "\0" in node.text:
        problems.error(item.place, f"the value of `{item.name}` holds a NUL character")
        return None
    return node.text


def _resolve(node: Node, environment: Mapping[str, str], problems: Problems) -> Node:
    if isinstance(node, Scalar):
        return _resolve_scalar(node, environment, problems) if isinstance(node.value, str) else node
    if isinstance(node, ListNode):
        return ListNode(place=node.place, items=tuple(_resolve(item, environment, problems) for item in node.items))
    return resolve(node, environment, problems)


def _resolve_scalar(node: Scalar, environment: Mapping[str, str], problems: Problems) -> Scalar:
    text = node.text
    store = _STORES.match(text)
    if store is not None:
        kind = f"{store.group(1)}://" if store.group(1) else "oidc/"
        hint = "give the value by an environment variable: os.environ/NAME"
        problems.error(node.place, f"`{kind}` references are not built yet, so this value cannot be read", hint)
        return _found(node, None)
    whole = _WHOLE.fullmatch(text)
    if whole is not None or text.startswith(_ENVIRON):
        name = whole.group(1) if whole is not None else text.removeprefix(_ENVIRON)
        return _found(node, _look_up(name, None, environment, node.place, problems))
    if "${" not in text or not _INSIDE.search(text):
        return node
    found = {m.group(0): _look_up(m.group(1), m.group(2), environment, node.place, problems) for m in _INSIDE.finditer(text)}
    if None in found.values():
        return _found(node, None)
    return _found(node, _INSIDE.sub(lambda m: found[m.group(0)] or "", text))


def _found(node: Scalar, text: str | None) -> Scalar:
    return Scalar(place=node.place, value=text, text=text or "", reference=node.text)


def _look_up(name: str, default: str | None, environment: Mapping[str, str], place: Place, problems: Problems) -> str | None:
    if not _NAME.fullmatch(name):
        problems.error(place, "`os.environ/` must be followed by the name of an environment variable")
        return None
    value = environment.get(name)
    if default is not None:
        return value or default
    if value is None:
        problems.error(place, f"the environment variable `{name}` is not set", f"set it, or write ${{{name}:-default}}")
    return value


__all__ = ["EnvironmentBlock", "read_environment", "resolve"]
