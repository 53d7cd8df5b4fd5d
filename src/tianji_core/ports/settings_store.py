"""Small facts that the installation keeps about itself."""

from typing import Protocol


class SettingsStore(Protocol):
    """Named texts. Raises DependencyUnavailableError when the store cannot be asked."""

    async def get(self, name: str) -> str | None: ...

    async def put_if_absent(self, name: str, value: str) -> str:
        """Store the value unless the name has one, atomically; return the one that is stored now."""
        ...
