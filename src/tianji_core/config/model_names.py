"""`provider/model`: which part is which.

The first slash separates; the rest may hold more (`openrouter/anthropic/claude-…`). A left part that is no provider belongs to the
model's name. A bare name is recognised by how its vendor's names begin (`gpt-`, `claude-`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from tianji_core.config.spelling import suggestion
from tianji_core.shapes.codecs import Provider


class ModelName(NamedTuple):
    """A provider and what is sent to it as `model`."""

    provider: Provider
    model: str


class UnknownProviderError(ValueError):
    """Nothing tells which provider is meant.

    Attributes:
        hint: What to write instead.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def split_model(name: str, configured: str | None, providers: Mapping[str, Provider]) -> ModelName:
    """Return provider and model.

    Args:
        name: `tianji_params.model`.
        configured: `custom_llm_provider`, which wins; a prefix that names the same provider is cut.
        providers: By name and alias.

    Raises:
        UnknownProviderError: no provider of that name, or a bare name that nobody recognises.
    """
    left, slash, rest = name.partition("/")
    prefix = providers.get(left) if slash and rest else None
    if configured is not None:
        provider = providers.get(configured)
        if provider is None:
            raise _unknown(configured, providers)
        same = prefix is not None and prefix.name == provider.name
        return ModelName(provider, rest if same else name)
    if prefix is not None:
        return ModelName(prefix, rest)
    recognised = _by_known_prefix(name, providers)
    if recognised is not None:
        return ModelName(recognised, name)
    if slash:
        raise _unknown(left, providers)
    raise UnknownProviderError(f"`{name}` names no provider", f"write `provider/{name}`, or set `custom_llm_provider`")


def _by_known_prefix(name: str, providers: Mapping[str, Provider]) -> Provider | None:
    """Return the provider whose names begin so; the longest beginning wins."""
    best: tuple[int, Provider] | None = None
    for provider in providers.values():
        for prefix in provider.known_prefixes:
            if name.startswith(prefix) and (best is None or len(prefix) > best[0]):
                best = (len(prefix), provider)
    return best[1] if best is not None else None


def _unknown(name: str, providers: Mapping[str, Provider]) -> UnknownProviderError:
    near = suggestion(name, providers)
    hint = f"did you mean `{near}`?" if near else "any OpenAI-compatible server: `openai/<model>` with `api_base`"
    return UnknownProviderError(f"TianJi has no provider `{name}`", hint)


__all__ = ["ModelName", "UnknownProviderError", "split_model"]
