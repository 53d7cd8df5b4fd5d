"""Many streams at once whose events come at a steady pace, and how late each event arrives.

The provider writes the monotonic time into each event, and the clock is the same here: the difference is the way through the gateway.
"""

import asyncio  # noqa: TID251 - a load generator is no use case; the protocol is uvloop's
import re
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop
from benchmarks.peers.exchange import BrokenExchangeError
from benchmarks.peers.machine import cpu_seconds
from benchmarks.peers.question import Request

_STAMP = re.compile(rb"@(\d{9,20});")
_END = b"0\r\n\r\n"
_LONGEST_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Paced:
    """Sorted delays in seconds; `cpu_us` is the gateway's processor time for each event, None where no process was watched."""

    delays: list[float]
    cpu_us: float | None


@dataclass(slots=True)
class _Stream(asyncio.Protocol):
    raw: bytes
    ended: "asyncio.Future[bool]"
    delays: list[float]
    rest: bytes = b""
    transport: asyncio.BaseTransport | None = field(default=None, repr=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        cast("asyncio.Transport", transport).write(self.raw)

    def data_received(self, data: bytes) -> None:
        now, seen, read = time.monotonic_ns(), self.rest + data, 0
        for stamp in _STAMP.finditer(seen):
            self.delays.append((now - int(stamp[1])) / 1e9)
            read = stamp.end()
        self.rest = seen[read:][-4096:]
        if seen.endswith(_END):
            self._end(whole=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(whole=False)

    def _end(self, *, whole: bool) -> None:
        if not self.ended.done():
            self.ended.set_result(whole)
            if self.transport is not None:
                self.transport.close()


def paced(request: Request, *, streams: int, repeats: int, watched: int | None) -> Paced:
    """Read streams, each `repeats` times; their starts are spread over a second.

    Raises:
        BrokenExchangeError: a stream broke off or does not end, or an event of one is missing.
    """
    before = cpu_seconds(watched) if watched else 0.0
    try:
        delays, broken = uvloop.run(asyncio.wait_for(_read_all(request, streams, repeats), _LONGEST_SECONDS))
    except TimeoutError as problem:
        raise BrokenExchangeError(f"{request.url}: the paced streams have not ended after {_LONGEST_SECONDS:.0f} s") from problem
    used = cpu_seconds(watched) - before if watched else 0.0
    if broken or not delays or len(delays) % (streams * repeats):
        raise BrokenExchangeError(f"{request.url}: {broken} of {streams * repeats} paced streams broke, {len(delays)} events came")
    return Paced(sorted(delays), used / len(delays) * 1e6 if watched else None)


async def _read_all(request: Request, streams: int, repeats: int) -> tuple[list[float], int]:
    delays: list[float] = []
    broken = 0
    loop, raw, address = asyncio.get_running_loop(), request.raw(), request.address

    async def read(number: int) -> None:
        nonlocal broken
        await asyncio.sleep(number / streams)
        for _ in range(repeats):
            ended = loop.create_future()
            await loop.create_connection(lambda end=ended: _Stream(raw, end, delays), *address)  # type: ignore[misc]
            broken += not await ended

    await asyncio.gather(*(read(number) for number in range(streams)))
    return delays, broken
