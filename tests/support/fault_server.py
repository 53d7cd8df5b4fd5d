"""A server on a raw socket that does to its clients whatever a script says. One script a connection; the last one repeats."""

import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSStream

PATIENCE_SECONDS = 10
"""A script that waits longer than this for its client has met a bug."""

GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError)


@dataclass(slots=True)
class Peer:
    """One accepted connection, seen from the server.

    Attributes:
        requests: What came, head and body, one entry a request.
        asked: Set when the first whole request has come.
        ended: Set when the client has closed the connection, by whatever means.
        sent_bytes: What the client's side took, kernel buffers included.
        stalled: Set when the client took nothing for a while.
    """

    stream: ByteStream
    requests: list[bytes] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)
    stalled: anyio.Event = field(default_factory=anyio.Event)
    sent_bytes: int = 0
    _buffer: bytes = b""

    async def head(self) -> bytes:
        """Return a request's head, up to and with the empty line."""
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += await self.stream.receive()
        head, self._buffer = _cut(self._buffer, self._buffer.index(b"\r\n\r\n") + 4)
        return head

    async def request(self) -> bytes:
        """Return a whole request, its body as long as `content-length` says."""
        head = await self.head()
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        while len(self._buffer) < length:
            self._buffer += await self.stream.receive()
        body, self._buffer = _cut(self._buffer, length)
        self.requests.append(head + body)
        self.asked.set()
        return head + body

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)
        self.sent_bytes += len(data)

    async def send_patiently(self, data: bytes, *, stalled_after_seconds: float) -> None:
        """Send, noting when the client takes nothing for that long."""
        with anyio.move_on_after(stalled_after_seconds) as scope:
            await self.send(data)
        if scope.cancelled_caught:
            self.stalled.set()

    async def until_closed(self) -> None:
        """Wait for the client's end."""
        try:
            while True:
                await self.stream.receive()
        except GONE:
            self.ended.set()

    async def reset(self) -> None:
        """End the connection with a reset instead of an orderly close."""
        raw: socket.socket = self.stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await anyio.aclose_forcefully(self.stream)

    async def finish_sending(self) -> None:
        """Close our direction only."""
        await self.stream.send_eof()

    async def under_tls(self, context: ssl.SSLContext) -> "Peer":
        """Return the same connection after a handshake inside it, as behind a CONNECT proxy."""
        secured = await TLSStream.wrap(self.stream, server_side=True, ssl_context=context, standard_compatible=False)
        return Peer(stream=secured, requests=self.requests, asked=self.asked, ended=self.ended)


Script = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class FaultServer:
    """A running server: where it is and whom it met."""

    port: int
    scheme: str
    peers: list[Peer] = field(default_factory=list)
    _arrival: anyio.Event = field(default_factory=anyio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/v1/chat"

    async def peer(self, number: int = 0) -> Peer:
        """Return the connection of that number, from 0, waiting for it."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(self.peers) <= number:
                await self._arrival.wait()
        return self.peers[number]

    def met(self, peer: Peer) -> int:
        self.peers.append(peer)
        self._arrival.set()
        self._arrival = anyio.Event()
        return len(self.peers) - 1


@asynccontextmanager
async def fault_server(*scripts: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultServer]:
    """Serve the scripts on a free port of localhost until the block ends."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server = FaultServer(port=listener.extra(SocketAttribute.local_port), scheme="https" if tls else "http")

    async def serve(stream: ByteStream) -> None:
        peer = Peer(stream=stream)
        script = scripts[min(server.met(peer), len(scripts) - 1)]
        try:
            with anyio.move_on_after(PATIENCE_SECONDS):
                if tls is not None:
                    peer.stream = await TLSStream.wrap(stream, server_side=True, ssl_context=tls, standard_compatible=False)
                await script(peer)
        except GONE:
            peer.ended.set()
        finally:
            await anyio.aclose_forcefully(peer.stream)

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        await anyio.lowlevel.checkpoint()
        yield server
        tasks.cancel_scope.cancel()


def refused_url(scheme: str = "http") -> str:
    """Return an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"{scheme}://localhost:{probe.getsockname()[1]}/v1/chat"


def head(status: int = 200, *headers: str) -> bytes:
    """Return the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status} Words", *headers, "", ""]).encode()


def whole(body: bytes, status: int = 200, *headers: str) -> bytes:
    """Return a whole answer with its length."""
    return head(status, f"Content-Length: {len(body)}", *headers) + body


def chunk(data: bytes) -> bytes:
    """Return one piece of `transfer-encoding: chunked`; of nothing, the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKED = head(200, "Transfer-Encoding: chunked", "Content-Type: text/event-stream")


def answering(*pieces: bytes) -> Script:
    """Answer every request of the connection with these pieces, each sent by itself."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            for piece in pieces:
                await peer.send(piece)

    return script


def then_closing(*pieces: bytes) -> Script:
    """Answer one request and close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)

    return script


def then_silent(*pieces: bytes) -> Script:
    """Answer one request with that much and go on waiting."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
        await peer.until_closed()

    return script


def then_resetting(*pieces: bytes) -> Script:
    """Answer one request with that much and reset the connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
        await peer.reset()

    return script


async def close_at_once(peer: Peer) -> None:
    """Accept, read nothing, close."""
    await peer.finish_sending()


async def never_speak(peer: Peer) -> None:
    """Accept, read whatever comes, say nothing: a TLS handshake hangs too."""
    await peer.until_closed()


def dying_at_request(number: int, *, saying: bytes = b"") -> Script:
    """Answer well until the request of that number, from 1; then say that much and close: a pooled connection gone stale."""

    async def script(peer: Peer) -> None:
        for _ in range(number - 1):
            await peer.request()
            await peer.send(whole(b"well"))
        await peer.request()
        if saying:
            await peer.send(saying)

    return script


def _cut(data: bytes, at: int) -> tuple[bytes, bytes]:
    return data[:at], data[at:]
