"""One connection over HTTP/1.1, told by the event loop what came; one request at a time.

There is no task, no queue and no timer for each event: the parser puts the pieces into a list, one future wakes whoever waits, and a
timer stays armed across requests, asking when it fires whether the present step's deadline has passed.
"""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Literal, cast

import httptools

from tianji_adapters.http_client.fast.heads import NotHttp, read_head
from tianji_adapters.http_client.faults import reason
from tianji_core.calls.http import Headers
from tianji_core.ports.http_transport import TransportLimits

Fault = Literal["ended", "broken", "not http", "head too large", "silent"]

HEAD_BYTES = 64 * 1024
"""The most that the heads of one answer may hold; and the most that may come in its body without bringing the body on."""

BUFFERED_BYTES = 64 * 1024
"""Reading stops while so much waits for a consumer."""

JOINED_BYTES = 256 * 1024
"""Larger request bodies are not copied behind their head."""


class Connection(asyncio.Protocol):
    """A connection and the answer that it brings.

    Attributes:
        served: Requests begun on it; with more than one, it may have died of old age.
        written: The present request was handed to the socket.
        heard: Bytes of the answer came.
        status, headers: Of the answer; they stand when `headed`.
        headed: The head has come.
        complete: The body has come to its end; what is left of it waits in `take()`.
        reusable: It may carry another request. Says something only when `complete`.
        fault: Why no more will come.
        detail: The system's words for a connection that broke.
        gone: Its socket is closed.
        phase: Which step the fault `silent` happened in, before the head.
    """

    __slots__ = (
        "_barren", "_bodiless", "_busy", "_deadline", "_fed", "_limits", "_lines", "_loop", "_on_spoilt", "_overfull", "_parser",
        "_paused", "_pieces", "_size", "_sockets", "_timer", "_timer_at", "_transport", "_unsent", "_until_end", "_waiter",
        "complete", "detail", "fault", "gone", "headed", "headers", "heard", "phase", "reusable", "served", "status", "written",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, sockets: set["Connection"], on_spoilt: Callable[["Connection"], None]) -> None:
        """Wait for the socket.

        Args:
            loop: The one that calls.
            sockets: Who made the connection puts it here; it leaves when its socket is closed.
            on_spoilt: Called when it becomes useless while it carries no request.
        """
        self._loop = loop
        self._on_spoilt = on_spoilt
        self._sockets = sockets
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._deadline = inf
        self._limits = TransportLimits()
        self._pieces: list[bytes] = []
        self._lines: list[tuple[bytes, bytes]] = []
        self._size = self._barren = self._fed = self._unsent = self.served = self.status = 0
        self._busy = self._overfull = self._paused = self._bodiless = self._until_end = False
        self.written = self.heard = self.headed = self.complete = self.reusable = self.gone = False
        self.headers: Headers = ()
        self.fault: Fault | None = None
        self.detail = ""
        self.phase: Literal["send", "answer"] = "answer"

    def begin(self, head: bytes, body: bytes, *, bodiless: bool, limits: TransportLimits) -> None:
        """Send a request.

        Args:
            head: With its empty line.
            body: Any size.
            bodiless: The answer ends with its head whatever the head says, as for HEAD.
            limits: Those of the attempt.
        """
        self._busy = True
        self.served += 1
        self.written = self.heard = self.headed = self.complete = self.reusable = False
        if self.fault is not None:  # it was lost or spoke out of turn before it was ours
            return
        self._limits = limits
        self._bodiless = bodiless
        self._barren = 0
        self._lines.clear()
        self.phase = "answer"
        self._expect(limits.first_byte_seconds)
        self.written = True
        if len(body) <= JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)

    @property
    def stale(self) -> bool:
        """Whether it had served before and ended without a byte of an answer: old age, most likely.

        One that ended for any cause between its rest and the request, so that nothing was written, counts too.
        """
        return self.served > 1 and not self.heard and (self.fault in ("ended", "broken") or not self.written)

    async def head(self) -> None:
        """Return when the head has come, or a fault. When this is cancelled, the connection is to be closed."""
        while not self.headed and self.fault is None:
            await self._next()

    async def piece(self) -> bytes:
        """Return what has come of the body, waiting for one read of the socket if nothing has; nothing at its end or with a fault."""
        while not self._pieces and not self.complete and self.fault is None:
            self._expect(self._limits.idle_seconds)
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
            try:
                await self._next()
            except asyncio.CancelledError:
                self.abort()
                raise
        return self.take()

    def take(self) -> bytes:
        """Return what waits, without waiting."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._size = 0
        return data

    def rest(self, seconds: float) -> bool:
        """Carry nothing for a while, and close after that many seconds; return whether that is possible."""
        if not self.reusable or self.fault is not None or self._transport.is_closing() or self._transport.get_write_buffer_size():
            return False
        self._busy = False
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._expect(seconds)
        return True

    def abort(self) -> None:
        """Close the socket now."""
        self._end("ended")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what one read of the socket brought."""
        if self.fault is not None:
            return
        if not self._busy:  # nobody asked
            self._end("not http")
            return
        if not self.heard:
            self.heard = True
            if not data.startswith(b"H"):  # the parser takes RTSP and blank lines too
                self._end("not http")
                return
        headed, size, self._fed = self.headed, self._size, len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reusable = False
            if not self.complete:
                self._end("head too large" if self._overfull else "not http")
                return
        if self._size == size and self.headed == headed and not self.complete:
            self._barren += len(data)
            if self._barren > HEAD_BYTES:
                self._end("not http" if headed else "head too large")
            return
        self._barren = 0
        if self._size >= BUFFERED_BYTES and self._waiter is None and not self._paused and not self.complete:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Let the transport close: what a peer that says no more could still read is of no use."""
        self._lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.gone = True
        self._sockets.discard(self)

    def pause_writing(self) -> None:
        """The socket does not take the request at once: watch that it takes some."""
        if self._busy and not self.complete:
            self.phase = "send"
            self._unsent = self._transport.get_write_buffer_size()
            self._expect(self._limits.idle_seconds)

    def resume_writing(self) -> None:
        """The rest of the request fits into buffers: now the answer is what we wait for."""
        if self.phase == "send":
            self.phase = "answer"
            if not self.headed:
                self._expect(self._limits.first_byte_seconds)

    def on_message_begin(self) -> None:
        if self.complete:
            raise NotHttp

    def on_status(self, words: bytes) -> None:
        if b"\0" in words:
            raise NotHttp

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._barren + self._fed > HEAD_BYTES and sum(len(name) + len(value) for name, value in self._lines) > HEAD_BYTES:
            self._overfull = True
            raise NotHttp
        if 100 <= status < 200 and status != 101:
            self._lines.clear()
            return
        self.headers, self._until_end = read_head(self._parser.get_http_version(), status, self._lines)
        self.status = status
        self.headed = True
        self.complete = self._bodiless

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self._pieces.append(data)
            self._size += len(data)

    def on_message_complete(self) -> None:
        if self.headed and not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()

    def _lost(self, error: Exception | None) -> None:
        """Take the peer's end: for some answers it is the proper one."""
        if self.headed and self._until_end and error is None and self.fault is None:
            self.complete = True
        self.reusable = False
        if error is not None and self.fault is None:
            self.detail = reason(error)
        self._end("ended" if error is None else "broken")

    def _end(self, fault: Fault) -> None:
        """Close, and tell whoever waits. The first cause counts; a complete answer stays one."""
        if self.fault is None:
            self.fault = fault
            self._transport.abort()
            if not self._busy:
                self._on_spoilt(self)
        self._wake()

    def _expect(self, seconds: float) -> None:
        """Set the deadline of this step. The timer is armed anew only where it would come too late."""
        self._deadline = at = self._loop.time() + seconds
        if at < self._timer_at:
            self._arm(at)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = inf
        if self._deadline > self._loop.time():
            self._arm(self._deadline)
        elif self._busy and self.phase == "send" and self._has_sent_some():
            self._expect(self._limits.idle_seconds)
        elif self._waiter is not None or not self._busy:
            self._end("silent")

    def _has_sent_some(self) -> bool:
        before, self._unsent = self._unsent, self._transport.get_write_buffer_size()
        return self._unsent < before

    def _next(self) -> "asyncio.Future[None]":
        """Return what is done when something happens."""
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
