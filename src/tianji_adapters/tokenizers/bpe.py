"""The `bpe-openai` tokenizer: OpenAI's encodings in the wheel, no download. Loaded in a thread at the first need."""

from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread

_INLINE_CHARACTERS = 16_384
"""Counting this much takes well under a millisecond; more of it goes to a thread, so that no other call waits."""

_MOST_CHARACTERS = 500_000
"""The library refuses a million. A longer text is counted in pieces: too high by a token a piece, at most."""


@dataclass(slots=True)
class BpeTokenCounter:
    """Counts with o200k_base, cl100k_base and voyage3_base."""

    _encodings: dict[str, Any] = field(default_factory=dict)
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def count(self, text: str, encoding: str) -> int:
        """Return the number of tokens; special tokens in the text count as text."""
        loaded = self._encodings.get(encoding) or await self._load(encoding)
        if len(text) <= _INLINE_CHARACTERS:
            return _count(loaded, text)
        return await anyio.to_thread.run_sync(_count, loaded, text)

    async def _load(self, encoding: str) -> Any:
        async with self._lock:
            if encoding not in self._encodings:
                self._encodings[encoding] = await anyio.to_thread.run_sync(_open, encoding)
            return self._encodings[encoding]


def _open(encoding: str) -> Any:
    import bpe_openai  # noqa: PLC0415 - 0.4 s and 140 MB, only for who counts

    return bpe_openai.get_encoding(encoding)


def _count(encoding: Any, text: str) -> int:
    if len(text) <= _MOST_CHARACTERS:
        return len(encoding.encode_ordinary(text))
    return sum(len(encoding.encode_ordinary(text[start : start + _MOST_CHARACTERS])) for start in range(0, len(text), _MOST_CHARACTERS))
