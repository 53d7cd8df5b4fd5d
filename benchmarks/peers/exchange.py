"""One call after the other over one connection, and how long each took."""

import re
import socket
import time
from dataclasses import dataclass

from benchmarks.peers.question import Request

_TIMEOUT_SECONDS = 20.0


class BrokenExchangeError(Exception):
    """What came back is not the answer that was expected."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer. `first` and `total` are seconds from the request's write to the first byte of the body, and to its last."""

    status: int
    body: bytes
    first: float
    total: float


def connect(address: tuple[str, int]) -> socket.socket:
    """Return a connection without delay."""
    connection = socket.create_connection(address, _TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: socket.socket, raw: bytes) -> Exchange:
    """Send a request and read its whole answer.

    Raises:
        BrokenExchangeError: the connection ended before the answer did.
    """
    started, first, got = time.perf_counter(), 0.0, b""
    connection.sendall(raw)
    while True:
        piece = connection.recv(262_144)
        if not piece:
            raise BrokenExchangeError(f"the connection ended after {got[:300]!r}")
        got += piece
        head, separator, body = got.partition(b"\r\n\r\n")
        if not body or not separator:
            continue
        first = first or time.perf_counter() - started
        if _is_whole(head.lower(), body):
            return Exchange(int(head.split(b" ", 2)[1]), body, first, time.perf_counter() - started)


def _is_whole(head: bytes, body: bytes) -> bool:
    length = re.search(rb"\r\ncontent-length: *(\d+)", head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def expect_answer(request: Request, status: int = 200) -> None:
    """Make one call on a connection of its own.

    Raises:
        BrokenExchangeError: it has another status, or not the text that it must have.
    """
    with connect(request.address) as connection:
        got = exchange(connection, request.raw())
    if got.status != status or (status == 200 and request.whole not in got.body):
        raise BrokenExchangeError(f"{request.url} answered {got.status} instead of {status}: {got.body[:500]!r}")


def durations(request: Request, seconds: float, *, to_first_byte: bool) -> list[float]:
    """Return the sorted durations of calls one after the other, after a tenth of the time to warm up."""
    raw, taken = request.raw(), []
    with connect(request.address) as connection:
        warm = time.perf_counter() + seconds / 10
        end = warm + seconds
        while (now := time.perf_counter()) < end:
            got = exchange(connection, raw)
            if got.status != 200:
                raise BrokenExchangeError(f"{request.url} answered {got.status}: {got.body[:300]!r}")
            if now >= warm:
                taken.append(got.first if to_first_byte else got.total)
    return sorted(taken)
