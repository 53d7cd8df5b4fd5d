"""Names that are nearly right, and names that are spelt in two ways."""

from collections.abc import Iterable
from difflib import get_close_matches

_OURS, _THEIRS = "tianji_", "litellm_"


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, or None."""
    found = get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return found[0] if found else None


def twin(name: str) -> str | None:
    """Return the other spelling of a name: each `tianji_x` may be written `litellm_x`."""
    for prefix, other in ((_OURS, _THEIRS), ("default_" + _OURS, "default_" + _THEIRS)):
        if name.startswith(prefix):
            return other + name.removeprefix(prefix)
    return None


def is_one_edit_away(name: str, other: str) -> bool:
    """Whether one letter added, removed, replaced, or swapped with its neighbour makes one name the other."""
    if name == other or abs(len(name) - len(other)) > 1:
        return False
    short, long = sorted((name, other), key=len)
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
    return short[start + 1 :] == long[start + 1 :] or swapped


__all__ = ["is_one_edit_away", "suggestion", "twin"]
