"""uvicorn, told to leave signals, logs, the socket and the end to us.

How it ends: everything is served for a while, each answer with `connection: close`; then nobody is let in any more, and what runs has its
grace; what is left is cut, with an error that its client can read; a connection that does not take it is aborted.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import structlog
import uvicorn

from tianji_adapters.http_server.listener import is_readable, let_nobody_in

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75  # longer than clients and balancers keep a connection, so that they close it first
_HANDSHAKE_SECONDS = 0.1
_ACCEPT_SECONDS = 5.0
_LINGER_SECONDS = 2.0
_FIRST_REQUEST_SECONDS = 5.0
_CUT_SECONDS = 5.0
_CLEANUP_SECONDS = 15.0
_POLL_SECONDS = 0.02
_CLOSE = (b"connection", b"close")
Test = Callable[[Any], bool]
_log = structlog.get_logger("tianji.server")


class Server(uvicorn.Server):
    """Says when it serves; signals are the caller's business, so that SIGTERM ends in an orderly return."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None], cut: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._cut = cut
        self._grace_seconds = 0.0
        self._hurried = anyio.Event()

    async def end(self, *, delay_seconds: float, grace_seconds: float) -> None:
        """Ask for the end: everything is served for `delay_seconds` more, what runs then may take `grace_seconds`."""
        self._grace_seconds = grace_seconds
        self.config.encoded_headers.append(_CLOSE)  # where the server's headers are made from, every second
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
        self._close_when_answered()
        with anyio.move_on_after(delay_seconds):
            await self._hurried.wait()
        self.should_exit = True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the end is asked for. A cancellation asks for it too: what runs is cut, and is in order before this returns."""
        try:
            await super().serve(sockets)
        except anyio.get_cancelled_exc_class():
            if self.started:
                self.hurry()
                with anyio.CancelScope(shield=True):
                    await self.shutdown(sockets)
            raise

    def hurry(self) -> None:
        """Ask for the end at once: nothing is waited for any more, but for what has to be written."""
        self._hurried.set()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what runs, and wait until what was cut short is in order: its account is written meanwhile."""
        state = self.server_state
        await self._close_listeners(sockets or [])
        await self._close_when_idle(_is_idle, _LINGER_SECONDS, spare=_is_new)  # a request may be on its way
        await self._close_when_idle(_is_new, _FIRST_REQUEST_SECONDS)
        await self._until(self._is_over, self._grace_seconds)
        if not self._is_over():
            _log.warning("calls are cut: the time that they had is over", calls=len(state.tasks))
            self._cut()
            await _wait(self._is_over, _CUT_SECONDS)
        for connection in list(state.connections):  # to a call this is a client that left: it ends, and writes its account undisturbed
            connection.transport.abort()
        await _wait(lambda: not state.tasks, _CLEANUP_SECONDS)
        for task in state.tasks:
            task.cancel()
        await _wait(lambda: not state.tasks, _CUT_SECONDS)
        await self.lifespan.shutdown()

    async def _close_listeners(self, sockets: list[socket.socket]) -> None:
        are_open = [listening for listening in sockets if listening.fileno() >= 0]  # they are not where the end is cut short
        for listening in are_open:
            let_nobody_in(listening)
        await anyio.sleep(_HANDSHAKE_SECONDS)
        await _wait(lambda: not any(map(is_readable, are_open)), _ACCEPT_SECONDS)  # whoever was let in is accepted
        for server in self.servers:
            server.close()
        for listening in sockets:
            listening.close()

    def _close_when_answered(self) -> None:
        for connection in self.server_state.connections:
            if not _is_idle(connection):
                connection.shutdown()

    async def _close_when_idle(self, idle: Test, seconds: float, *, spare: Test = lambda _: False) -> None:
        """Close what has no request, after waiting for one, and what answers one as soon as it has."""
        connections = self.server_state.connections
        await self._until(lambda: not any(idle(connection) and not spare(connection) for connection in connections), seconds)
        # What was sent and is not read yet is a request: closing now would reset it. Nothing is awaited between the look and the close.
        await self._until(lambda: not any(_is_idle(connection) and _has_unread(connection) for connection in connections), _ACCEPT_SECONDS)
        for connection in [connection for connection in connections if not spare(connection)]:
            connection.shutdown()

    def _is_over(self) -> bool:
        return not self.server_state.connections and not self.server_state.tasks

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait, unless it is said to hurry."""
        await _wait(lambda: condition() or self._hurried.is_set(), seconds)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def make_server(app: Any, *, on_started: Callable[[], None], cut: Callable[[], None]) -> Server:
    """Return a server for one process. `cut` ends every call that runs, with an error for its client."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="on",
        server_header=False,
        date_header=True,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    return Server(config, on_started, cut)


def _is_new(connection: Any) -> bool:
    """Whether a connection never had a request."""
    return connection.cycle is None


def _has_unread(connection: Any) -> bool:
    sock = connection.transport.get_extra_info("socket")
    return sock is not None and sock.fileno() >= 0 and is_readable(sock)


def _is_idle(connection: Any) -> bool:
    """Whether a connection answers no request: it is new, or its last one was answered."""
    return connection.cycle is None or connection.cycle.response_complete


async def _wait(condition: Callable[[], bool], seconds: float) -> None:
    with anyio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110 - uvicorn tells nobody when the last connection or task has ended
            await anyio.sleep(_POLL_SECONDS)
