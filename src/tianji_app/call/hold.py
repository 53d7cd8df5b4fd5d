"""The time between the head of a streamed answer and its first content: what comes is held, so that the call can still go elsewhere."""

from dataclasses import dataclass, field

import anyio

from tianji_app.call.account import Account
from tianji_core.errors import UpstreamError
from tianji_core.ports.clock import Clock
from tianji_core.ports.http_transport import UpstreamAnswer
from tianji_core.translation.path import RelayEvent, StreamPath


@dataclass(slots=True)
class Hold:
    """Reads a stream up to its first content.

    It runs in a task of its own, because a read that is broken off ends the connection: whoever stops waiting for the content leaves the
    read alone, and gets what it brings later.

    Attributes:
        events: What came so far.
    """

    upstream: UpstreamAnswer
    path: StreamPath
    account: Account
    clock: Clock
    events: list[RelayEvent] = field(default_factory=list)
    _over: anyio.Event = field(default_factory=anyio.Event)
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _is_committed: bool = False
    _late: bytes | None = None
    _error: Exception | None = None

    async def run(self) -> None:
        """Read. Whatever goes wrong is raised by `has_content` or `late`."""
        try:
            with self._scope:
                await self._read()
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            self._error = error
        finally:
            self._over.set()

    async def has_content(self, seconds: float) -> bool:
        """Wait for content, at most so long. Return whether it came; where not, the answer is committed and nothing is held any more.

        Raises:
            TianjiError: the answer failed, or ended without content.
        """
        with anyio.move_on_after(seconds):
            await self._over.wait()
        if self._over.is_set():
            self._raise_error()
            return True
        self._is_committed = True
        return False

    async def late(self) -> bytes | None:
        """Return what the read brings that was under way when the answer was committed; None at the answer's end. Raises as the read."""
        await self._over.wait()
        self._raise_error()
        return self._late

    async def stop(self) -> None:
        """Break the read off and wait until it has ended."""
        self._scope.cancel()
        await self._over.wait()

    async def _read(self) -> None:
        while True:
            data = await anext(self.upstream, None)
            if self._is_committed:
                self._late = data
                return
            if data is None:
                self.path.close()
                provider = self.account.deployment.provider if self.account.deployment else ""
                raise UpstreamError(f"{provider} answered a stream without content", provider=provider)
            events = self.path.feed(data)
            self.account.saw(events, self.clock.now_ns())
            self.events += events
            if any(event.content for event in events):
                return

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
