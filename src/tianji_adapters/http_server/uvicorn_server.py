"""uvicorn, told to leave signals, logs and the socket to us."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import uvicorn

from tianji_core.errors import ConfigurationError

_BACKLOG = 2048
_CLEANUP_SECONDS = 15.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket and its address as a URL."""

    socket: socket.socket
    url: str


def listen(host: str, port: int) -> Listener:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        ConfigurationError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}", hint="choose another with --port or TIANJI_PORT"
        ) from error
    bound.set_inheritable(False)
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    return Listener(bound, f"http://{shown}:{bound.getsockname()[1]}")


class Server(uvicorn.Server):
    """Says when it serves; signals are the caller's business, so that SIGTERM ends in an orderly return."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what runs, and wait until what was cut short is in order: its account is written meanwhile."""
        await super().shutdown(sockets)
        for task in self.server_state.tasks:
            if not task.cancelling():  # a second cancellation would break into the first one's cleaning up
                task.cancel()
        with anyio.move_on_after(_CLEANUP_SECONDS):
            while self.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody when the last one has ended
                await anyio.sleep(_POLL_SECONDS)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def make_server(app: Any, *, grace_seconds: float, on_started: Callable[[], None]) -> Server:
    """Return a server for one process."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="on",
        server_header=False,
        date_header=True,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=int(grace_seconds),
    )
    return Server(config, on_started)
