"""Counting tokens without asking anybody."""

from typing import Protocol


class TokenCounter(Protocol):
    """An offline tokenizer, loaded at first need."""

    async def count(self, text: str, encoding: str) -> int:
        """Return how many tokens the text has in `o200k_base`, `cl100k_base` or `voyage3_base`."""
        ...
