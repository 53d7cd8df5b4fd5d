"""An upstream with a thread a connection, for tests of the real process: each path prefix is a provider of its own, with its own faults.

`/<name>/...` is answered by the script of that name: one act a request, the last one repeats.
Without a script every request is answered well.
Each connection serves one request, so that none of them meets a client's second thoughts about a connection that went stale.
`fault_server` does the same inside an event loop, a script a connection; its building blocks are used here too.
"""

import contextlib
import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from support.fault_server import chunk, head, whole

CHUNKED = head(200, "Transfer-Encoding: chunked", "Content-Type: text/event-stream", "Connection: close")
PATIENCE_SECONDS = 20.0
"""An act that waits longer than this for its client has met a bug."""

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": USAGE,
}


@dataclass(slots=True)
class Asked:
    """One request. `ended` is set when its client has closed the connection while an act waited for that."""

    socket: socket.socket
    head: str
    body: bytes
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def wants_stream(self) -> bool:
        """Whether the body asks for a stream."""
        return bool(json.loads(self.body).get("stream"))

    def send(self, *pieces: bytes) -> None:
        """Send, piece by piece."""
        for piece in pieces:
            self.socket.sendall(piece)

    def until_closed(self) -> None:
        """Wait for the client's end, and note it."""
        self.socket.settimeout(PATIENCE_SECONDS)
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(65536):
                pass
        self.ended.set()

    def reset(self) -> None:
        """End the connection with a reset instead of an orderly close."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


Act = Callable[[Asked], None]


class FaultyUpstream(socketserver.ThreadingTCPServer):
    """A running upstream: its scripts, and what it was asked, by name."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.scripts: dict[str, tuple[Act, ...]] = {}
        self.asked: dict[str, list[Asked]] = {}
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def script(self, name: str, *acts: Act) -> None:
        """Decide how the coming requests to this name are answered."""
        with self._changed:
            self.scripts[name] = acts
            self.asked[name] = []

    def request(self, name: str, number: int = 0) -> Asked:
        """Return the request of that number, from 0, waiting for it."""
        with self._changed:
            found = self._changed.wait_for(lambda: len(self.asked.get(name, ())) > number, PATIENCE_SECONDS)
            assert found, f"{name} was not asked {number + 1} times"
            return self.asked[name][number]

    def act_for(self, name: str, asked: Asked) -> Act:
        """Note a request and return what is done about it."""
        with self._changed:
            acts = self.scripts.get(name) or (good,)
            seen = self.asked.setdefault(name, [])
            seen.append(asked)
            self._changed.notify_all()
            return acts[min(len(seen), len(acts)) - 1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that leaves is what many of these tests are about."""


class _Connection(socketserver.StreamRequestHandler):
    server: FaultyUpstream

    def handle(self) -> None:
        headers, length = self.rfile.readline(), 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            headers += line
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        if not headers:
            return
        asked = Asked(self.connection, headers.decode("latin-1"), self.rfile.read(length))
        name = asked.head.split(" ", 2)[1].split("/")[1]
        self.server.act_for(name, asked)(asked)


@contextlib.contextmanager
def faulty_upstream() -> Iterator[FaultyUpstream]:
    """Serve until the block ends."""
    with FaultyUpstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def json_answer(value: object, status: int = 200, *headers: str) -> bytes:
    """Return a whole answer of JSON."""
    return whole(json.dumps(value).encode(), status, "Content-Type: application/json", "Connection: close", *headers)


def sse(value: Mapping[str, object]) -> bytes:
    """Return one event as a piece of a chunked body."""
    return chunk(b"data: " + json.dumps(value).encode() + b"\n\n")


def piece(text: str) -> bytes:
    """Return the event that carries this text."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return sse({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


STOP = sse(
    {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    }
)
DONE = chunk(b"data: [DONE]\n\n") + chunk(b"")
END = STOP + sse({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": USAGE}) + DONE


def good(asked: Asked) -> None:
    """Answer as a provider does, whole or streaming."""
    if asked.wants_stream:
        asked.send(CHUNKED, piece("Hel"), piece("lo."), END)
    else:
        asked.send(json_answer(COMPLETION))


def saying(*pieces: bytes) -> Act:
    """Answer with these pieces, then close."""
    return lambda asked: asked.send(*pieces)


def failing(status: int, *headers: str, message: str = "it failed") -> Act:
    """Answer with an error in OpenAI's shape, then close."""
    return saying(json_answer({"error": {"message": message, "type": "some_error", "code": None}}, status, *headers))


def resetting(*pieces: bytes) -> Act:
    """Answer with these pieces, then reset the connection."""

    def act(asked: Asked) -> None:
        asked.send(*pieces)
        asked.reset()

    return act


def silent(*pieces: bytes) -> Act:
    """Answer with these pieces and go on waiting for the client's end."""

    def act(asked: Asked) -> None:
        asked.send(*pieces)
        asked.until_closed()

    return act


def trickling(data: bytes, *, bytes_at_once: int, pause: Callable[[], object]) -> Act:
    """Answer well, a few bytes at a time."""

    def act(asked: Asked) -> None:
        for start in range(0, len(data), bytes_at_once):
            asked.send(data[start : start + bytes_at_once])
            pause()

    return act


__all__ = ["CHUNKED", "END", "Act", "Asked", "FaultyUpstream", "chunk", "faulty_upstream", "head", "piece", "sse", "whole"]
