"""An answer on its way to the caller. It settles itself: the account is written before the last piece is handed out."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from tianji_app.call.account import Account
from tianji_app.call.attempts import Answer
from tianji_core.calls.events import CallStatus
from tianji_core.calls.http import Headers
from tianji_core.errors import TianjiError, UpstreamTimeoutError
from tianji_core.ports.clock import Clock
from tianji_core.translation.path import RelayEvent, StreamPath
from tianji_core.translation.provider_words import without_secrets

Settle = Callable[[CallStatus, BaseException | None], Awaitable[None]]


@dataclass(slots=True)
class AnswerStream:
    """Hands out an answer piece by piece.

    Attributes:
        settle: Writes the account once; later calls change nothing.
        progress: Notes how far the answer has come, now and then.
        idle_seconds, until: The longest pause between two reads; the monotonic second at which the stream has lasted long enough.
    """

    answer: Answer
    account: Account
    headers: Headers
    settle: Settle
    progress: Callable[[], None]
    clock: Clock
    idle_seconds: float
    until: float
    status: int = 200
    _cut: TianjiError | None = None
    _reading: anyio.CancelScope | None = None
    _begun: bool = False
    _ready: deque[bytes] = field(default_factory=deque)
    _ended: bool = False

    def keep_alive(self) -> bytes | None:
        """Return a piece that means nothing, while a stream is idle."""
        return None if self.answer.path is None or self._ended else self.answer.path.keep_alive()

    def cut(self, error: TianjiError) -> None:
        """End a stream with this error at its next read, or at once where it waits for one; a whole answer is there already."""
        self._cut = error
        if self._reading is not None:
            self._reading.deadline = anyio.current_time()

    def __aiter__(self) -> "AnswerStream":
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece."""
        while not self._ready:
            if self._ended:
                raise StopAsyncIteration
            await self._advance()
        return self._ready.popleft()

    async def _advance(self) -> None:
        if self.answer.path is None:
            await self._finish(self.answer.events)
        elif not self._begun:  # an answer that is begun without content says at once that somebody is here
            self._begun = True
            held, self.answer.events = self.answer.events, []
            self._ready.append(_bytes(held) or self.answer.path.keep_alive())
        else:
            await self._relay(self.answer.path)

    async def _relay(self, stream: StreamPath) -> None:
        data, broken = None, None
        try:
            data = await self._read()
        except TianjiError as error:
            broken = error  # a connection that breaks after the last event of the answer has brought it whole
        try:
            events = stream.close() if data is None else stream.feed(data)
        except TianjiError as error:
            await self._fail(stream, broken or error)
            return
        self.account.saw(events, self.clock.now_ns())
        self.progress()
        if data is None:
            await self._finish(events)
        elif any(event.data for event in events):
            self._ready.append(_bytes(events))

    async def _fail(self, stream: StreamPath, error: TianjiError) -> None:
        self._ended = True
        self.account.upstream_ended_at_ns = self.clock.now_ns()
        if self.account.deployment is not None:
            without_secrets(error, self.account.deployment)
        await self.settle("error", error)
        self._ready.append(stream.error(error, self.account.call_id))

    async def _finish(self, events: list[RelayEvent]) -> None:
        self._ended = True
        self.account.upstream_ended_at_ns = self.account.upstream_ended_at_ns or self.clock.now_ns()
        await self.settle("ok", None)
        last = _bytes(events)
        if last:
            self._ready.append(last)

    async def _read(self) -> bytes | None:
        """Return what the provider sent next, or None at its end."""
        if self._cut is not None:
            raise self._cut
        now = self.clock.monotonic()
        seconds = max(0.0, min(self.idle_seconds, self.until - now))
        with anyio.CancelScope(deadline=anyio.current_time() + seconds) as self._reading:
            if self.answer.hold is not None:
                hold, self.answer.hold = self.answer.hold, None
                return await hold.late()
            return None if self.answer.upstream is None else await anext(self.answer.upstream, None)
        if self._cut is not None:
            raise self._cut
        provider = self.account.deployment.provider if self.account.deployment else "the provider"
        is_idle = self.until - now > self.idle_seconds
        why = f"sent nothing for {seconds:.0f} seconds" if is_idle else "streamed for longer than a stream may last"
        raise UpstreamTimeoutError(f"{provider} {why}", provider=provider)


def _bytes(events: list[RelayEvent]) -> bytes:
    return events[0].data if len(events) == 1 else b"".join(event.data for event in events)
