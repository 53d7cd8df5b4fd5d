"""Tool names that the next provider accepts, and their way back. Pure in the names of one request, so that every attempt says the same.

Source: OpenAI's and Anthropic's name pattern `^[a-zA-Z0-9_-]{1,64}$`; Anthropic's newer models take names of up to 128.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tianji_core.calls.chat import FunctionTool, Tool, ToolChoice

_LONGEST_NAME = 64
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(slots=True)
class ToolNames:
    """Names that the API accepts, for those that the caller uses. The same name gets the same one everywhere in a request."""

    sent: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[str]) -> "ToolNames":
        """Give every name its place; a legal one keeps its own, so that no changed one can take it."""
        wanted = list(dict.fromkeys(names))
        known = cls({name: name for name in wanted if _fit(name) == name})
        for name in wanted:
            if name not in known.sent:
                fitted = _fit(name)
                known.sent[name] = fitted if fitted not in known.sent.values() else _hashed(name)
        return known

    def __getitem__(self, name: str) -> str:
        return self.sent.get(name, name)

    def changed(self) -> dict[str, str]:
        """Return the names as sent → as the caller wrote them, where they differ."""
        return {sent: name for name, sent in self.sent.items() if sent != name}


def names_used(tools: Sequence[Tool], called: Iterable[str], choice: ToolChoice | None) -> list[str]:
    """Return every tool name that a request says, with repetitions."""
    offered = [tool.name for tool in tools if isinstance(tool, FunctionTool)]
    chosen = [choice.name] if choice is not None and choice.name else []
    return [*offered, *called, *chosen]


def _fit(name: str) -> str:
    legal = _ILLEGAL.sub("_", name) or "_"
    return legal if len(legal) <= _LONGEST_NAME else _hashed(name)


def _hashed(name: str) -> str:
    return f"{_ILLEGAL.sub('_', name)[: _LONGEST_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
