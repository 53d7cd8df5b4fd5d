"""A connected socket to a host, all of its addresses tried."""

import asyncio
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest

ATTEMPT_DELAY_SECONDS = 0.25
"""How long an address may take before the next one is tried beside it (RFC 8305 §5)."""

Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def connected(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """Return a connected socket. Raises OSError, that of the address that failed last; UnicodeError for an impossible name.

    The loop's own `create_connection` races addresses only on asyncio's loop: uvloop takes one after the other.
    """
    return await first_of(loop, alternating(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def alternating(found: Sequence[Found]) -> list[Found]:
    """Return the addresses with their families taking turns (RFC 8305 §4), so that one broken family costs one delay."""
    first = [each for each in found if each[0] == found[0][0]]
    others = [each for each in found if each[0] != found[0][0]]
    return [each for each in chain.from_iterable(zip_longest(first, others)) if each is not None]


async def first_of(loop: asyncio.AbstractEventLoop, addresses: Sequence[Found]) -> socket.socket:
    """Return the socket that connects first, the tries beginning one after the other. Raises OSError."""
    if len(addresses) == 1:
        return await _try(loop, addresses[0])
    tries: list[asyncio.Task[socket.socket]] = []
    try:
        return await _race(loop, addresses, tries)
    finally:
        for task in tries:
            _dismiss(task)


async def _race(loop: asyncio.AbstractEventLoop, addresses: Sequence[Found], tries: list[asyncio.Task[socket.socket]]) -> socket.socket:
    failure: OSError = OSError("the host has no address")
    waiting = list(reversed(addresses))
    running: set[asyncio.Task[socket.socket]] = set()
    while running or waiting:
        if waiting:
            task = loop.create_task(_try(loop, waiting.pop()))
            tries.append(task)
            running.add(task)
        done, running = await asyncio.wait(running, timeout=ATTEMPT_DELAY_SECONDS if waiting else None, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            try:
                found = task.result()
            except OSError as error:
                failure = error
            else:
                tries.remove(task)
                return found
    raise failure


def _dismiss(task: "asyncio.Task[socket.socket]") -> None:
    """End a try that is not wanted any more, even where it has just succeeded."""
    task.cancel()
    task.add_done_callback(_discard)


def _discard(task: "asyncio.Task[socket.socket]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _try(loop: asyncio.AbstractEventLoop, found: Found) -> socket.socket:
    family, kind, protocol, _, address = found
    made = socket.socket(family, kind, protocol)
    try:
        made.settimeout(0)
        await loop.sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made
