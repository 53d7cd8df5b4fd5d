"""The database as a whole: schema, health, and the right to be its only process."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Database(Protocol):
    """What start-up and health need to know."""

    async def upgrade(self) -> None:
        """Bring the schema to this version; safe when many processes do it at once.

        Raises ConfigurationError when the database is newer than this code and says that it cannot serve it.
        """
        ...

    async def ping(self) -> None:
        """Return when the database answers; raises DependencyUnavailableError."""
        ...

    def only_process(self, *, wait_seconds: float) -> AbstractAsyncContextManager[None]:
        """Hold the right to be the only gateway on this database; wait at most that long for another one to leave.

        Raises ConfigurationError, naming what holds it, when it does not. A right that a restart of the database took away is taken again;
        where another process was faster, the block is cancelled and ConfigurationError raised.
        """
        ...

    async def close(self) -> None:
        """Give all connections back."""
        ...
