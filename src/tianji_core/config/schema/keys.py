"""What a known key is: its type, what becomes of it, and what it means. The tables beside this file are made of these."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from tianji_core.config.spelling import twin

Kind = Literal[
    "text", "secret", "flag", "whole", "number", "seconds", "seconds_or_off", "price", "texts", "names", "flag_or_text", "map", "list",
    "any",
]  # fmt: skip
"""`price` is a number or a numeric text; `names` is one text or a list of texts; `any` is not looked into."""

Status = Literal["built", "weights", "protecting", "other", "accepted"]
"""What becomes of a key.

`built`: it works. `weights`: of a deployment's limits only the weight in the shuffle. `protecting`: it protects something and there
is no code for it yet, so it refuses the start. `other`: no code yet, one warning. `accepted`: it has no meaning here, one warning.
"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a block.

    Attributes:
        aliases: Other spellings; `tianji_x` may always be written `litellm_x`.
        neutral: Values that ask for nothing, so that they are as good as absent.
        empty_counts: Whether an empty list is a value.
        choices: Words that it may be.
        at_least, more_than, at_most: Range of a number.
        restart: Whether a change needs a restart.
    """

    name: str
    kind: Kind
    status: Status = "built"
    meaning: str = ""
    default: str = ""
    aliases: tuple[str, ...] = ()
    neutral: tuple[object, ...] = ()
    empty_counts: bool = False
    choices: tuple[str, ...] = ()
    at_least: int | None = None
    more_than: int | None = None
    at_most: int | None = None
    restart: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every name that the key may have, its own first."""
        other = twin(self.name)
        return (self.name, *((other,) if other else ()), *self.aliases)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The known keys of one kind of block.

    Attributes:
        path: As messages name the block (`general_settings`).
        ours: Whether only TianJi has this block, so that an unknown key in it is an error and no warning.
        by_spelling: Every spelling of every key.
    """

    path: str
    summary: str
    keys: tuple[Key, ...]
    by_spelling: Mapping[str, Key]
    ours: bool = False


def table(path: str, summary: str, groups: Sequence[Key | Sequence[Key]], *, ours: bool = False) -> Table:
    """Build a table. Raises ValueError where two keys share a spelling."""
    keys = tuple(key for group in groups for key in ((group,) if isinstance(group, Key) else group))
    by_spelling = {spelling: key for key in keys for spelling in key.spellings}
    if len(by_spelling) != sum(len(key.spellings) for key in keys):
        raise ValueError(f"two keys of {path} share a spelling")
    return Table(path=path, summary=summary, keys=keys, by_spelling=by_spelling, ours=ours)


def protecting(kind: Kind, *names: str, neutral: tuple[object, ...] = (False,)) -> tuple[Key, ...]:
    """Return keys that protect and are not built."""
    return tuple(Key(name=name, kind=kind, status="protecting", neutral=neutral) for name in names)


def other(kind: Kind, *names: str, neutral: tuple[object, ...] = ()) -> tuple[Key, ...]:
    """Return keys that are not built and protect nothing."""
    return tuple(Key(name=name, kind=kind, status="other", neutral=neutral) for name in names)


def accepted(kind: Kind, *names: str) -> tuple[Key, ...]:
    """Return keys that mean nothing here."""
    return tuple(Key(name=name, kind=kind, status="accepted") for name in names)


__all__ = ["Key", "Kind", "Status", "Table", "accepted", "other", "protecting", "table"]
