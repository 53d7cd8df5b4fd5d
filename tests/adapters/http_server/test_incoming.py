"""A client that leaves is heard, before its body is read and after."""

from typing import Any

import anyio
import pytest

from support.asgi import Client
from support.gateway_parts import until
from tianji_adapters.http_server.incoming import MOST_HELD_BYTES, Incoming

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def body_of(incoming: Incoming) -> bytes:
    body, more = b"", True
    while more:
        message: dict[str, Any] = await incoming.message()
        body, more = body + message["body"], message["more_body"]
    return body


async def test_client_that_leaves_after_its_body_cancels_the_exchange() -> None:
    client = Client(body=[b"ab", b"c"])
    async with anyio.create_task_group() as tasks:
        incoming = Incoming(client.receive, tasks)
        assert await body_of(incoming) == b"abc"
        incoming.watch()
        client.gone.set()
        await until(lambda: tasks.cancel_scope.cancel_called)


async def test_client_that_leaves_before_its_body_is_wanted_cancels_the_exchange() -> None:
    client = Client(body=[b"abc"])
    async with anyio.create_task_group() as tasks:
        Incoming(client.receive, tasks).watch()
        await until(lambda: not client.body)
        assert not tasks.cancel_scope.cancel_called
        client.gone.set()
        await until(lambda: tasks.cancel_scope.cancel_called)


async def test_what_came_while_nobody_wanted_it_is_bounded_and_not_lost() -> None:
    half = b"x" * (MOST_HELD_BYTES // 2)
    client = Client(body=[half, half, b"c", b"d"])
    async with anyio.create_task_group() as tasks:
        incoming = Incoming(client.receive, tasks)
        incoming.watch()
        await until(lambda: len(client.body) == 2)
        await anyio.wait_all_tasks_blocked()
        assert client.body == [b"c", b"d"]
        assert await body_of(incoming) == half + half + b"cd"
        client.gone.set()
        await until(lambda: tasks.cancel_scope.cancel_called)


async def test_client_is_watched_once_however_often_one_asks() -> None:
    client = Client(body=[b"a"])
    async with anyio.create_task_group() as tasks:
        incoming = Incoming(client.receive, tasks)
        incoming.watch()
        incoming.watch()
        assert await body_of(incoming) == b"a"
        incoming.watch()
        tasks.cancel_scope.cancel()
