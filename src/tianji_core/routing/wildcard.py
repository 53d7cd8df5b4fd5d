"""Model names with `*`: what they match, what the `*` captured, and what is then sent upstream.

`*` stands for any run of characters, none included; everything else is literal. A pattern must match the whole name. The captures are
those of a greedy regular expression (the first `*` takes as much as it can), found without backtracking, so that no name and no
pattern is expensive.
"""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from tianji_core.errors import InvalidRequestError

MAX_NAME_CHARACTERS = 256
_CONTROL = frozenset({"Cc", "Zl", "Zp"})


class Pattern(msgspec.Struct, frozen=True):
    """A name with at least one `*`, as the literal pieces around its stars."""

    pieces: tuple[str, ...]

    def match(self, name: str) -> tuple[str, ...] | None:
        """Return what each `*` captured, left to right, or None where the whole name does not match."""
        first, *middle, last = self.pieces
        if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
            return None
        captures: list[str] = []
        end = len(name) - len(last)
        # From the right, each piece as far right as it goes: that leaves the most to the stars on the left.
        for piece in reversed(middle):
            at = name.rfind(piece, len(first), end)
            if at < 0:
                return None
            captures.append(name[at + len(piece) : end])
            end = at
        captures.append(name[len(first) : end])
        return tuple(reversed(captures))

    @property
    def rank(self) -> tuple[int, int]:
        """How specific it is, larger first: the length of its escaped expression, then its literal characters."""
        literals = "".join(self.pieces)
        stars = len(self.pieces) - 1
        return len(re.escape(literals)) + stars * len("(.*)"), len(literals)


def compile_pattern(name: str) -> Pattern | None:
    """Return the pattern of a configured name, or None where it has no `*` and is just a name."""
    return Pattern(tuple(name.split("*"))) if "*" in name else None


def matches(entry: str, name: str) -> bool:
    """Whether an entry, with or without `*`, matches the whole name."""
    pattern = compile_pattern(entry)
    return entry == name if pattern is None else pattern.match(name) is not None


def fill(target: str, captures: Sequence[str], *, asked: str, provider: str) -> str:
    """Return the model to send upstream.

    Each `*` of `target` takes the next capture. A target without `*` is sent as it is. With more captures than stars nobody can say
    which belong where: the caller's name is sent, without the provider's own prefix.
    """
    stars = target.count("*")
    if stars == 0:
        return target
    if len(captures) > stars:
        return asked.removeprefix(provider + "/")
    head, *pieces = target.split("*")
    filled = [*captures, *("*" for _ in range(stars - len(captures)))]
    return head + "".join(capture + piece for capture, piece in zip(filled, pieces, strict=True))


def check_name(name: str) -> str:
    """Return a caller's model name if it may be looked up.

    Raises:
        InvalidRequestError: it is empty, longer than 256 characters, or has a control character or a line break.
    """
    if not name:
        raise _refused("the model name is empty")
    if len(name) > MAX_NAME_CHARACTERS:
        raise _refused(f"the model name has {len(name)} characters; at most {MAX_NAME_CHARACTERS} are allowed")
    if any(unicodedata.category(character) in _CONTROL for character in name):
        raise _refused("the model name has a control character")
    return name


def _refused(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, param="model", code="invalid_value")
