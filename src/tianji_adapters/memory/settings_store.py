"""Named texts in memory."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class MemorySettingsStore:
    """Implements the `SettingsStore` port."""

    values: dict[str, str] = field(default_factory=dict)

    async def get(self, name: str) -> str | None:
        """Return the text of that name."""
        return self.values.get(name)

    async def put_if_absent(self, name: str, value: str) -> str:
        """Store the value unless the name has one; return the one that is stored now."""
        return self.values.setdefault(name, value)
