"""Providers in memory: a transport whose answers are scripts of heads, pieces, pauses, errors and silence."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import msgspec

from tianji_adapters.http_client.collecting import collected
from tianji_adapters.http_client.faults import body_timeout, not_connected, phase_timeout
from tianji_core.calls.deployment import TransportOptions
from tianji_core.calls.http import Headers, HttpRequest, HttpResponse
from tianji_core.errors import TianjiError
from tianji_core.ports.http_transport import TransportLimits, UpstreamAnswer
from tianji_core.signing.plain import signed_headers

HANG = float("inf")
Step = bytes | float | TianjiError | anyio.Event
"""A piece of the body, a pause in seconds (`HANG`: for ever), an error that is raised, a gate to wait at."""


@dataclass(frozen=True, slots=True)
class Script:
    """One answer: what happens before its head, the head, what happens in its body.

    An error in `before` is that of an attempt without an answer; its `sent` says whether the request went out.
    """

    body: tuple[Step, ...] = ()
    status: int = 200
    headers: Headers = (("content-type", "application/json"),)
    before: tuple[Step, ...] = ()


Answering = Script | Callable[[HttpRequest], Script]
"""An answer, or what makes one from the request."""


@dataclass(slots=True)
class Sent:
    """A request that was sent, and whether its connection is still held. `at` is the event loop's time in seconds."""

    request: HttpRequest
    limits: TransportLimits
    options: TransportOptions
    at: float
    is_open: bool = True

    @property
    def body(self) -> dict[str, object]:
        """The JSON object that was sent."""
        return msgspec.json.decode(self.request.body, type=dict[str, object])


@dataclass(slots=True)
class MemoryHttpTransport:
    """Implements the `HttpTransport` port. Each address answers from its own queue of scripts; the last one answers for ever.

    A host without a script cannot be reached. There is no pool and no handshake, so that of the limits `connect_seconds` and
    `pool_seconds` mean nothing here; the others bind scripts as they bind servers.

    Attributes:
        sent: Every attempt, in order.
        log: Gets `sent HOST` and `closed HOST`, in order with whatever else is written there.
        closes_when_cancelled: False leaves a connection open whose closing was cancelled, to find callers that do not shield it.
    """

    closes_when_cancelled: bool = True
    sent: list[Sent] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _answers: dict[str, deque[Answering]] = field(default_factory=dict)

    def answer(self, address: str, *answers: Answering) -> None:
        """Let an address answer with these, one a request: a host, or a URL without its query, which wins over its host."""
        self._answers[address] = deque(answers)

    @property
    def hosts(self) -> list[str]:
        """Where the requests went, in order."""
        return [_host(sent.request) for sent in self.sent]

    @property
    def open_connections(self) -> int:
        """How many answers are still held."""
        return sum(sent.is_open for sent in self.sent)

    def send(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AbstractAsyncContextManager[UpstreamAnswer]:
        """Send, wait for the head, and hold the connection while the block runs."""
        return self._exchange(request, limits, options)

    async def aclose(self) -> None:
        """Have nothing to close: each block closes its own connection."""

    @asynccontextmanager
    async def _exchange(self, request: HttpRequest, limits: TransportLimits, options: TransportOptions) -> AsyncIterator[UpstreamAnswer]:
        signed_headers(request)  # raises for a credential that cannot be sent
        host = _host(request)
        script = self._script(request, host)
        sent = Sent(request, limits, options, anyio.current_time())
        self.sent.append(sent)
        self.log.append(f"sent {host}")
        try:
            await _until_head(script, host, limits)
        except BaseException:
            self._close(sent, host)
            raise
        closes = self.closes_when_cancelled
        try:
            yield _Answer(script, host, limits, deque(script.body))
        finally:
            try:
                await anyio.lowlevel.checkpoint()  # closing takes a moment, in which the caller can be cancelled
                closes = True
            finally:
                if closes:
                    self._close(sent, host)

    def _script(self, request: HttpRequest, host: str) -> Script:
        queue = self._answers.get(request.url.partition("?")[0]) or self._answers.get(host)
        if not queue:
            raise not_connected(host, "it has no script", sent=False)
        answering = queue.popleft() if len(queue) > 1 else queue[0]
        return answering if isinstance(answering, Script) else answering(request)

    def _close(self, sent: Sent, host: str) -> None:
        sent.is_open = False
        self.log.append(f"closed {host}")


@dataclass(slots=True)
class _Answer:
    """One answer as it is read."""

    script: Script
    host: str
    limits: TransportLimits
    steps: deque[Step]

    @property
    def status(self) -> int:
        return self.script.status

    @property
    def headers(self) -> Headers:
        return tuple((name.lower(), value) for name, value in self.script.headers)

    async def read(self) -> HttpResponse:
        return await collected(self, self.host, self.limits.body_bytes)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        with anyio.move_on_after(self.limits.idle_seconds):
            while self.steps:
                step = self.steps.popleft()
                if not isinstance(step, bytes):
                    await _perform(step)
                elif step:
                    await anyio.lowlevel.checkpoint()
                    return step
            raise StopAsyncIteration
        raise body_timeout(self.host, self.status, self.limits.idle_seconds)


async def _until_head(script: Script, host: str, limits: TransportLimits) -> None:
    with anyio.move_on_after(limits.first_byte_seconds) as scope:
        for step in script.before:
            await _perform(step)
    if scope.cancelled_caught:
        raise phase_timeout("answer", limits, host, sent=True)


async def _perform(step: Step) -> None:
    """Pause, wait or fail as a step says."""
    if isinstance(step, TianjiError):
        raise step
    if isinstance(step, anyio.Event):
        await step.wait()
    elif isinstance(step, float):
        await (anyio.sleep_forever() if step == HANG else anyio.sleep(step))


def _host(request: HttpRequest) -> str:
    return urlsplit(request.url).hostname or ""
