"""An ASGI client that sees every message: what the application sent, when, and what it still did not read."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import msgspec

App = Callable[[Any, Any, Any], Awaitable[None]]
Message = dict[str, Any]


def scope_of(path: str = "/v1/chat/completions", *, method: str = "POST", headers: Sequence[tuple[str, str]] = (), **more: Any) -> Message:
    """Return the scope of a request."""
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "method": method, "path": path, "query_string": b"", "headers": pairs, "client": ("192.0.2.1", 5), **more}


@dataclass(slots=True)
class Client:
    """One exchange.

    Attributes:
        body: Pieces of the request, handed out one a `receive`.
        gone: Set it, and `receive` says that the client left.
        before_send: Awaited with each message before it counts as sent, as a slow client would.
    """

    body: list[bytes] = field(default_factory=list)
    gone: anyio.Event = field(default_factory=anyio.Event)
    sent: list[Message] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    before_send: Callable[[Message], Awaitable[None]] | None = None

    async def receive(self) -> Message:
        if self.body:
            piece = self.body.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.body)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.before_send is not None:
            await self.before_send(message)
        await anyio.lowlevel.checkpoint()
        self.sent.append(message)
        self.sent_at.append(anyio.current_time())

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.sent[0]["headers"]}

    @property
    def pieces(self) -> list[bytes]:
        """The pieces of the answer's body, without the empty one at its end."""
        return [message["body"] for message in self.sent[1:] if message["body"]]

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> dict[str, Any]:
        return msgspec.json.decode(self.data, type=dict[str, Any])

    @property
    def is_complete(self) -> bool:
        """Whether the answer was ended in order."""
        return bool(self.sent) and self.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
