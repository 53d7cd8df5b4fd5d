"""The driving port of a call: what a server adapter gives, and what it gets to send."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from tianji_core.calls.http import Headers
from tianji_core.errors import TianjiError
from tianji_core.shapes.codecs import Surface


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A client's request whose body nobody has read yet.

    Attributes:
        route: The matched template, for logs and roles.
        path_model: The model that stands in the path, if the route has one.
        headers: Names in lower case.
        read_body: Reads the whole body; raises TooLargeError, and ClientGoneError when the client left.
        watch: Lets a client's leaving cancel the call from now on, though nobody reads its body yet.
        refusal: What is wrong with the request whoever sent it: its method, its declared length. Only its account is wanted.
    """

    surface: Surface
    method: str
    route: str
    path: str
    path_model: str | None
    headers: Headers
    query: str
    client_ip: str | None
    read_body: Callable[[], Awaitable[bytes]]
    watch: Callable[[], None] = lambda: None
    refusal: TianjiError | None = None


class CallStream(Protocol):
    """An answer that may be sent. It settles itself: the account is written before the last piece is handed out."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Headers: ...

    def keep_alive(self) -> bytes | None:
        """Return what keeps an idle stream open, or None for a whole answer."""
        ...

    def __aiter__(self) -> "CallStream": ...

    async def __anext__(self) -> bytes: ...


class Gateway(Protocol):
    """The one way a call travels."""

    def new_call_id(self) -> str:
        """Return the id of a new call; the server makes it first so that every answer can name it."""
        ...

    def open(self, inbound: Inbound, call_id: str) -> AbstractAsyncContextManager[CallStream]:
        """Do everything up to the first content of the answer.

        Raises TianjiError when there is no answer; its event is written by then. Leaving the block early settles what was sent.
        """
        ...
