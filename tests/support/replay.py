"""An upstream that answers with recorded bytes, whole or cut into pieces.

`/<n>/...` answers with exchange n; `/<n>/cut/<seed>/...` sends it in six pieces, cut at places that the seed decides.
"""

import contextlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.recordings import Exchange

CUTS = 5
_BETWEEN_PIECES_SECONDS = 0.001


class ReplayServer(ThreadingHTTPServer):
    """Serves a list of exchanges, and remembers what it was asked."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exchanges = exchanges
        self.bodies: dict[int, bytes] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients close their connections as they like."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ReplayServer

    def do_POST(self) -> None:
        parts = self.path.strip("/").split("/")
        number = int(parts[0])
        exchange = self.server.exchanges[number]
        self.server.bodies[number] = self.rfile.read(int(self.headers.get("content-length", 0)))
        pieces = [exchange.body]
        if parts[1] == "cut":
            rng = random.Random(f"{exchange.id}|{parts[2]}")
            places = sorted(rng.randrange(len(exchange.body) + 1) for _ in range(CUTS))
            pieces = [exchange.body[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]
        self.send_response(exchange.status)
        for name in ("content-type", "retry-after", "request-id", "x-request-id"):
            value = exchange.response_headers.get(name)
            if value:
                self.send_header(name, value[0] if isinstance(value, list) else value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            if piece:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
                if len(pieces) > 1:
                    time.sleep(_BETWEEN_PIECES_SECONDS)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def replaying(exchanges: Sequence[Exchange]) -> Iterator[ReplayServer]:
    """Serve the exchanges until the block ends."""
    server = ReplayServer(exchanges)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
