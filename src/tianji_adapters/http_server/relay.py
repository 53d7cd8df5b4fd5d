"""Pumps one call to its caller. Knows nothing of money, models or providers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import structlog

from tianji_adapters.http_server.addresses import client_ip
from tianji_adapters.http_server.exchange_tasks import ExchangeTasks, exchange_tasks
from tianji_adapters.http_server.incoming import Incoming, Receive
from tianji_adapters.http_server.lengths import check_declared_length, too_large
from tianji_core.calls.http import Headers, header
from tianji_core.envelopes import Envelope, anthropic_error, openai_error
from tianji_core.errors import ClientGoneError, InvalidRequestError, MediaTypeError, MethodNotAllowedError, TianjiError, TooLargeError
from tianji_core.ports.gateway import CallStream, Gateway, Inbound
from tianji_core.shapes.codecs import Surface

Scope = Any
Message = Mapping[str, Any]
Send = Callable[[Any], Awaitable[None]]

KEEP_ALIVE_SECONDS = 15.0
_LIMIT_HINT = "the operator's limit is `max_request_size_mb`"
_ENVELOPES: Mapping[str, Callable[[BaseException, str], Envelope]] = {"openai": openai_error, "anthropic": anthropic_error}
_log = structlog.get_logger("tianji.relay")


@dataclass(frozen=True, slots=True)
class Relay:
    """The ASGI application of one route of one surface."""

    gateway: Gateway
    surface: Surface
    route: str
    max_body_bytes: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call_id = self.gateway.new_call_id()
        exchange = _Exchange(send)
        async with exchange_tasks() as tasks:
            try:
                inbound = self._inbound(scope, Incoming(receive, tasks))
                async with self.gateway.open(inbound, call_id) as stream:
                    await self._pump(stream, exchange, tasks)
            except ClientGoneError:
                pass
            except TianjiError as error:
                await self._refuse(exchange, error, call_id)
            except Exception as error:  # noqa: BLE001 - the boundary: a bug becomes a 500 with an id, its report goes to the log
                _log.exception("a call failed by a bug", call_id=call_id)
                await self._refuse(exchange, error, call_id)

    async def _pump(self, stream: CallStream, exchange: "_Exchange", tasks: ExchangeTasks) -> None:
        await exchange.start(stream.status, stream.headers)
        if stream.keep_alive() is not None:
            tasks.start_soon(_keep_alive, stream, exchange)
        async for data in stream:
            await exchange.body(data)
            await anyio.lowlevel.checkpoint_if_cancelled()  # a provider that floods leaves no other moment to hear of a client that left
        await exchange.end()

    async def _refuse(self, exchange: "_Exchange", error: BaseException, call_id: str) -> None:
        if exchange.started:  # the answer is under way: it can only be cut
            return
        status, headers, body = _ENVELOPES[self.surface.envelope](error, call_id)
        await exchange.start(status, (*headers, ("content-length", str(len(body)))))
        await exchange.body(body)
        await exchange.end()

    def _inbound(self, scope: Scope, incoming: Incoming) -> Inbound:
        headers: Headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])

        async def read_body() -> bytes:
            body = await _read_body(headers, incoming.message, self.max_body_bytes)
            incoming.watch()
            return body

        return Inbound(
            surface=self.surface,
            method=scope["method"],
            route=self.route,
            path=scope["path"],
            path_model=scope.get("path_params", {}).get("model"),
            headers=headers,
            query=scope.get("query_string", b"").decode("latin-1"),
            client_ip=client_ip(scope),
            read_body=read_body,
            watch=incoming.watch,
            refusal=self._refusal(scope["method"], headers),
        )

    def _refusal(self, method: str, headers: Headers) -> TianjiError | None:
        if method != "POST":
            return MethodNotAllowedError(f"{method} is not a method of {self.route}", hint="use POST")
        try:
            check_declared_length(headers, self.max_body_bytes, hint=_LIMIT_HINT)
        except TooLargeError as error:
            return error
        return None


@dataclass(slots=True)
class _Exchange:
    """The sending half. `last_sent` is monotonic, for the keep-alive; `sending` while a slow client has not taken a piece yet."""

    send: Send
    started: bool = False
    ended: bool = False
    sending: bool = False
    last_sent: float = field(default_factory=anyio.current_time)

    async def start(self, status: int, headers: Headers) -> None:
        self.started = True
        pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})
        self.last_sent = anyio.current_time()

    async def body(self, data: bytes) -> None:
        self.sending = True
        await self.send({"type": "http.response.body", "body": data, "more_body": True})
        self.sending = False
        self.last_sent = anyio.current_time()

    async def end(self) -> None:
        self.ended = True
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})


async def _keep_alive(stream: CallStream, exchange: _Exchange) -> None:
    """Send something that means nothing whenever the stream was silent for a while: proxies close idle connections."""
    while not exchange.ended:
        # What still waits for the client keeps the connection busy; a piece behind it could even come after the end.
        silent = 0.0 if exchange.sending else anyio.current_time() - exchange.last_sent
        if silent < KEEP_ALIVE_SECONDS:
            await anyio.sleep(KEEP_ALIVE_SECONDS - silent)
            continue
        data = stream.keep_alive()
        if data is None:
            return
        await exchange.body(data)


async def _read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        InvalidRequestError: its declared length is no number.
        TooLargeError: it is longer than `limit` bytes.
        MediaTypeError: it is encoded or of a kind that no JSON route reads.
        ClientGoneError: the client left before its end.
    """
    declared = header(headers, "content-length")
    if declared is not None and not declared.isdecimal():
        raise InvalidRequestError("the header content-length is not a number")
    if header(headers, "content-encoding") not in (None, "identity"):
        raise MediaTypeError("a compressed request body is not accepted", hint="send it without content-encoding")
    kind = (header(headers, "content-type") or "application/json").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):  # what curl -d calls a form is taken as the JSON that it is
        raise MediaTypeError(f"the content type {kind} is not accepted here", hint="send JSON as application/json")
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError("the client left before its request was complete")
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise too_large(limit, hint=_LIMIT_HINT)
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
