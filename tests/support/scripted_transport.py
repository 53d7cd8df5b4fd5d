"""An upstream that answers from a script: heads, pieces, pauses, errors and silence, in memory."""

from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import msgspec

from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Headers, HttpRequest, HttpResponse
from tianji_core.errors import TianjiError
from tianji_core.ports.http_transport import HttpTransport, TransportLimits, UpstreamAnswer

HANG = float("inf")
Step = bytes | float | TianjiError | anyio.Event
"""A piece of the body, a pause in seconds (`HANG`: for ever), an error that is raised, a gate to wait at."""


@dataclass(frozen=True, slots=True)
class Script:
    """One answer: what happens before its head, the head, what happens in its body."""

    body: tuple[Step, ...] = ()
    status: int = 200
    headers: Headers = (("content-type", "application/json"),)
    before: tuple[Step, ...] = ()


@dataclass(slots=True)
class Sent:
    """A request that reached the upstream, and what became of its connection."""

    request: HttpRequest
    limits: TransportLimits
    options: TransportOptions
    at: float
    is_open: bool = True

    @property
    def body(self) -> dict[str, object]:
        """The JSON body."""
        return msgspec.json.decode(self.request.body, type=dict[str, object])


@dataclass(slots=True)
class ScriptedAnswer:
    """One answer as it is read."""

    script: Script
    steps: deque[Step]

    @property
    def status(self) -> int:
        return self.script.status

    @property
    def headers(self) -> Headers:
        return self.script.headers

    async def read(self) -> HttpResponse:
        pieces = [piece async for piece in self]
        return HttpResponse(status=self.status, headers=self.headers, body=b"".join(pieces))

    def __aiter__(self) -> UpstreamAnswer:
        return self

    async def __anext__(self) -> bytes:
        while self.steps:
            step = self.steps.popleft()
            if isinstance(step, bytes):
                await anyio.lowlevel.checkpoint()
                return step
            await perform(step)
        raise StopAsyncIteration


@dataclass(slots=True)
class ScriptedTransport(HttpTransport):
    """Answers each host from its queue of scripts; the last one of a queue answers for ever.

    Attributes:
        log: Gets `sent HOST` and `closed HOST`, in order with whatever else a test writes there.
    """

    scripts: dict[str, deque[Script]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def answer(self, host: str, *scripts: Script) -> None:
        """Let a host answer with these scripts, one a request."""
        self.scripts[host] = deque(scripts)

    @property
    def hosts(self) -> list[str]:
        """Where the requests went, in order."""
        return [urlsplit(sent.request.url).hostname or "" for sent in self.sent]

    @property
    def open_connections(self) -> int:
        """How many answers are still held."""
        return sum(sent.is_open for sent in self.sent)

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        return self._exchange(request, limits, options)

    async def aclose(self) -> None:
        return None

    @asynccontextmanager
    async def _exchange(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AsyncIterator[UpstreamAnswer]:
        host = urlsplit(request.url).hostname or ""
        queue = self.scripts[host]
        script = queue.popleft() if len(queue) > 1 else queue[0]
        sent = Sent(request, limits, options, anyio.current_time())
        self.sent.append(sent)
        self.log.append(f"sent {host}")
        answer = ScriptedAnswer(script, deque(script.body))
        try:
            await play(script.before)
        except BaseException:
            self._closed(sent, host)
            raise
        try:
            yield answer
        finally:
            await anyio.lowlevel.checkpoint()  # closing takes a moment, in which the caller can be cancelled
            self._closed(sent, host)

    def _closed(self, sent: Sent, host: str) -> None:
        sent.is_open = False
        self.log.append(f"closed {host}")


async def play(steps: Iterable[Step]) -> None:
    """Go through steps that hand out nothing."""
    for step in steps:
        await perform(step)


async def perform(step: Step) -> None:
    """Pause, wait or fail as a step says."""
    if isinstance(step, TianjiError):
        raise step
    if isinstance(step, anyio.Event):
        await step.wait()
    elif isinstance(step, float):
        await (anyio.sleep_forever() if step == HANG else anyio.sleep(step))
