"""Randomness as the core sees it: an argument."""

from typing import Protocol


class Rng(Protocol):
    """A source of uniform numbers."""

    def random(self) -> float:
        """Return a float in [0, 1)."""
        ...
