"""A client that leaves is heard, before its body is read and after."""

from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

import anyio
import pytest

from support.asgi import Client
from support.gateway_parts import until
from tianji_adapters.http_server.incoming import MOST_HELD_BYTES, Incoming

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Tasks:
    """The tasks of an exchange, and whether they were cancelled."""

    def __init__(self) -> None:
        self.group = anyio.create_task_group()
        self.is_cancelled = False

    async def __aenter__(self) -> Self:
        await self.group.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        return await self.group.__aexit__(kind, error, trace)

    def start_soon(self, run: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        self.group.start_soon(run, *args)

    def cancel(self) -> None:
        self.is_cancelled = True
        self.group.cancel_scope.cancel()


async def body_of(incoming: Incoming) -> bytes:
    body, more = b"", True
    while more:
        message: dict[str, Any] = await incoming.message()
        body, more = body + message["body"], message["more_body"]
    return body


async def test_client_that_leaves_after_its_body_cancels_the_exchange() -> None:
    client = Client(body=[b"ab", b"c"])
    async with Tasks() as tasks:
        incoming = Incoming(client.receive, tasks)
        assert await body_of(incoming) == b"abc"
        incoming.watch()
        client.gone.set()
        await until(lambda: tasks.is_cancelled)


async def test_client_that_leaves_before_its_body_is_wanted_cancels_the_exchange() -> None:
    client = Client(body=[b"abc"])
    async with Tasks() as tasks:
        Incoming(client.receive, tasks).watch()
        await until(lambda: not client.body)
        assert not tasks.is_cancelled
        client.gone.set()
        await until(lambda: tasks.is_cancelled)


async def test_what_came_while_nobody_wanted_it_is_bounded_and_not_lost() -> None:
    half = b"x" * (MOST_HELD_BYTES // 2)
    client = Client(body=[half, half, b"c", b"d"])
    async with Tasks() as tasks:
        incoming = Incoming(client.receive, tasks)
        incoming.watch()
        await until(lambda: len(client.body) == 2)
        await anyio.wait_all_tasks_blocked()
        assert client.body == [b"c", b"d"]
        assert await body_of(incoming) == half + half + b"cd"
        client.gone.set()
        await until(lambda: tasks.is_cancelled)


async def test_client_is_watched_once_however_often_one_asks() -> None:
    client = Client(body=[b"a"])
    async with Tasks() as tasks:
        incoming = Incoming(client.receive, tasks)
        incoming.watch()
        incoming.watch()
        assert await body_of(incoming) == b"a"
        incoming.watch()
        tasks.cancel()
