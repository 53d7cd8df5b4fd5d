"""The canonical embeddings call."""

import msgspec

from tianji_core.calls.chat import Dialect, Json, Rest
from tianji_core.calls.usage import Usage

EmbeddingInput = tuple[str, ...] | tuple[tuple[int, ...], ...]
"""Texts, or texts as token ids."""


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to be turned into vectors.

    Attributes:
        single: The wire had one bare string or one bare token list, not a list of them.
        encoding_format: `float` or `base64`, as the client asked; None when it did not say.
    """

    dialect: Dialect
    model: str
    input: EmbeddingInput
    single: bool = False
    dimensions: int | None = None
    encoding_format: str | None = None
    end_user: str | None = None
    rest: Rest | None = None
    extra_body: Json = {}


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    """One vector: numbers, or base64 of little-endian float32 as the provider sent it."""

    index: int
    vector: tuple[float, ...] | str


class EmbeddingResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Vectors in the order of the input."""

    model: str
    data: tuple[Embedding, ...]
    usage: Usage | None = None
    rest: Rest | None = None
