"""The receiving half of one exchange: the request's body, and whether its client is still there."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio

from tianji_adapters.http_server.exchange_tasks import ExchangeTasks

Receive = Callable[[], Awaitable[Any]]

MOST_HELD_BYTES = 64 << 10


@dataclass(slots=True)
class Incoming:
    """What a client sends. Once it is watched, its leaving cancels the tasks of the exchange."""

    receive: Receive
    tasks: ExchangeTasks
    _watched: bool = False
    _held: deque[Any] = field(default_factory=deque)
    _held_bytes: int = 0
    _changed: anyio.Event | None = None

    async def message(self) -> Any:
        """Return the next message of the request."""
        if not self._watched:
            return await self.receive()
        while not self._held:
            await self._change()
        message = self._held.popleft()
        self._held_bytes -= len(message.get("body", b""))
        self._tell()
        return message

    def watch(self) -> None:
        """Watch the client from now on.

        Of a body that nobody wants yet little is taken meanwhile, and held: who sends more is not heard leaving until somebody wants it.
        """
        if not self._watched:
            self._watched = True
            self.tasks.start_soon(self._watch)

    async def _watch(self) -> None:
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                self.tasks.cancel()
                return
            self._held.append(message)
            self._held_bytes += len(message.get("body", b""))
            self._tell()
            while self._held_bytes >= MOST_HELD_BYTES:
                await self._change()

    async def _change(self) -> None:
        """Wait until something was held or taken; only one side ever waits for the other."""
        self._changed = anyio.Event()
        await self._changed.wait()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed.set()
