"""A TCP proxy in front of a server that can be slow, gone, silent or senseless while both sides live."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Fault = Literal["none", "slow", "dead", "half-open", "malformed"]
_SLOW_SECONDS = 0.1
_POLL_SECONDS = 0.05
_NONSENSE = b"\x7f\xff" * 32


@dataclass(slots=True)
class FaultyProxy:
    """Forwards connections to a server, as its fault says.

    `slow`: every piece is late. `dead`: connections are reset, and new ones too. `half-open`: connections are accepted, and nothing
    comes. `malformed`: the server's answers are replaced by nonsense.
    """

    target: tuple[str, int]
    listener: socket.socket
    fault: Fault = "none"
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listener.getsockname()[1])

    def become(self, fault: Fault) -> None:
        """Have this fault from now on. What hung so far is cut: no network stays half open for ever."""
        self.fault, before = fault, self.fault
        if fault == "dead" or before == "half-open":
            with self._lock:
                pairs, self._pairs = self._pairs, []
            for pair in pairs:
                for end in pair:
                    _reset(end)

    def serve(self) -> None:
        """Accept until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        if self.fault == "dead":
            _reset(client)
            return
        try:
            server = socket.create_connection(self.target)
        except OSError:
            _reset(client)
            return
        with self._lock:
            self._pairs.append((client, server))
        threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
        self._forward(server, client, True)

    def _forward(self, source: socket.socket, sink: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.fault == "half-open":
                    time.sleep(_POLL_SECONDS)
                if self.fault == "slow":
                    time.sleep(_SLOW_SECONDS)
                sink.sendall(_NONSENSE if from_server and self.fault == "malformed" else data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket) -> None:
    """End a connection, also for a thread that reads from it."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextlib.contextmanager
def faulty_proxy(host: str, port: int) -> Iterator[FaultyProxy]:
    """Forward until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        proxy = FaultyProxy((host, port), listener)
        threading.Thread(target=proxy.serve, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.become("dead")
            listener.shutdown(socket.SHUT_RDWR)
