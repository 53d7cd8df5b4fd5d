"""A node as the value that its key wants. What came from a reference is text and is read as whatever is wanted."""

from decimal import Decimal

from tianji_core.calls.secret import Secret
from tianji_core.config.nodes import ListNode, MapNode, Node, Scalar, kind_of
from tianji_core.config.scalars import read_plain
from tianji_core.config.schema.keys import Key, Kind

_LARGEST = Decimal(10) ** 15

_WORDS: tuple[tuple[Kind, str], ...] = (
    ("text", "text"),
    ("secret", "text"),
    ("flag", "true or false"),
    ("whole", "a whole number"),
    ("number", "a number"),
    ("seconds", "a number of seconds"),
    ("seconds_or_off", "a number of seconds or `off`"),
    ("price", "a number"),
    ("texts", "a list of texts"),
    ("names", "a text or a list of texts"),
    ("flag_or_text", "true, false or text"),
    ("map", "a map"),
    ("list", "a list"),
)


class WrongValueError(ValueError):
    """The value does not fit its key; the message says what was expected and never shows the value."""


def typed(node: Node, key: Key) -> object:
    """Return the node's value in the key's type.

    Returns:
        `text`: str. `secret`: Secret. `flag`: bool. `whole`: int. `number`, `price`: Decimal. `seconds`: float.
        `seconds_or_off`: float, or False.
        `texts`, `names`: tuple of str. `flag_or_text`: bool or str. `map`, `list`, `any`: the node itself.

    Raises:
        WrongValueError: another type, a word that is not a choice, or a number out of range.
    """
    value = _of_kind(node, key.kind)
    if value is None:
        raise WrongValueError(f"expected {dict(_WORDS)[key.kind]}, found {kind_of(node)}{_hint(node, key)}")
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        _check_range(Decimal(str(value)), key)
    if key.choices:
        for word in value if isinstance(value, tuple) else (value,):
            _check_choice(word, key)
    return value


def _of_kind(node: Node, kind: Kind) -> object | None:
    match kind:
        case "any":
            return node
        case "map":
            return node if isinstance(node, MapNode) else None
        case "list":
            return node if isinstance(node, ListNode) else None
        case "texts" | "names":
            return _texts(node, single=kind == "names")
        case _:
            return _scalar(node, kind) if isinstance(node, Scalar) else None


def _texts(node: Node, *, single: bool) -> tuple[str, ...] | None:
    if single and isinstance(node, Scalar) and isinstance(node.value, str):
        return (node.value,)
    if not isinstance(node, ListNode):
        return None
    values = [item.value for item in node.items if isinstance(item, Scalar) and isinstance(item.value, str)]
    return tuple(values) if len(values) == len(node.items) else None


def _scalar(node: Scalar, kind: Kind) -> object | None:
    value = node.value
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "secret":
        return Secret(value) if isinstance(value, str) else None
    if isinstance(value, str) and (node.reference is not None or kind == "price"):
        value = read_plain(value.strip())
    if kind == "flag":
        return value if isinstance(value, bool) else None
    if kind == "flag_or_text":
        return value if isinstance(value, bool | str) else None
    if kind == "seconds_or_off" and (value is False or value == "off"):  # YAML reads a bare `off` as false
        return False
    return _number(value, kind)


def _number(value: object, kind: Kind) -> object | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if kind == "whole":
        return value if isinstance(value, int) else int(value) if value == value.to_integral_value() else None
    return float(value) if kind in ("seconds", "seconds_or_off") else Decimal(value)


def _check_range(value: Decimal, key: Key) -> None:
    if key.at_least is not None and value < key.at_least:
        raise WrongValueError(f"must be at least {key.at_least}")
    if key.more_than is not None and value <= key.more_than:
        raise WrongValueError(f"must be more than {key.more_than}")
    if value > (key.at_most if key.at_most is not None else _LARGEST):
        raise WrongValueError(f"must be at most {key.at_most if key.at_most is not None else _LARGEST}")


def _check_choice(value: object, key: Key) -> None:
    if isinstance(value, str) and value not in key.choices:
        words = ", ".join(f"`{choice}`" for choice in key.choices)
        raise WrongValueError(
            f"must be {'true, false or ' if key.kind == 'flag_or_text' else ''}{'one of ' if len(key.choices) > 1 else ''}{words}"
        )


def _hint(node: Node, key: Key) -> str:
    if key.kind in ("text", "secret") and isinstance(node, Scalar) and node.value is not None:
        return "; put it into quotes"
    return ""


__all__ = ["WrongValueError", "typed"]
