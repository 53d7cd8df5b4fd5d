"""How often one address may be wrong about a key before it has to wait."""

from collections import OrderedDict
from dataclasses import dataclass, field

_PER_SECOND = 20
_MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class Guesses:
    """Failed look-ups of unknown keys by address, in the current second. Times are monotonic seconds; memory is bounded."""

    per_second: int = _PER_SECOND
    most_addresses: int = _MOST_ADDRESSES
    _failures: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict)

    def failed(self, address: str, *, now: float) -> None:
        """Count one unknown key."""
        self._failures[address] = (int(now), self._count(address, now) + 1)
        self._failures.move_to_end(address)
        if len(self._failures) > self.most_addresses:
            self._failures.popitem(last=False)

    def must_wait(self, address: str, *, now: float) -> bool:
        """Whether the address was wrong too often in this second."""
        return self._count(address, now) >= self.per_second

    def _count(self, address: str, now: float) -> int:
        second, count = self._failures.get(address, (-1, 0))
        return count if second == int(now) else 0
