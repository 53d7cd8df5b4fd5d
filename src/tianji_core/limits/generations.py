"""A mapping that forgets what nobody has touched for a while, at no cost per entry."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(slots=True)
class Generations(Generic[Value]):
    """An entry lives for at least `seconds` after it was last touched, and for at most twice as long. Times are monotonic seconds."""

    seconds: float
    _young: dict[str, Value] = field(default_factory=dict)
    _old: dict[str, Value] = field(default_factory=dict)
    _turned: float = float("-inf")

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, name: str) -> Value | None:
        """Return an entry and touch it."""
        found = self._young.get(name)
        if found is None and self._old:
            found = self._old.pop(name, None)
            if found is not None:
                self._young[name] = found
        return found

    def put(self, name: str, value: Value) -> Value:
        """Add an entry and return it."""
        self._young[name] = value
        return value

    def turn(self, *, now: float) -> None:
        """Let time pass."""
        if now - self._turned < self.seconds:
            return
        self._old = self._young if now - self._turned < 2 * self.seconds else {}
        self._young = {}
        self._turned = now
