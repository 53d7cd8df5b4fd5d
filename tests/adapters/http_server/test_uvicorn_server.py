"""The server's end when its task is cancelled: what runs is cut and in order before anything else goes on."""

import asyncio
import gc
import logging
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tianji_adapters.http_server.listener import listen
from tianji_adapters.http_server.uvicorn_server import make_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(slots=True)
class OneCall:
    """An application whose one call runs until it is cut, then puts its account in order."""

    log: list[str] = field(default_factory=list)
    runs: anyio.Event = field(default_factory=anyio.Event)
    is_cut: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.log.append("the application ended")
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.runs.set()
        await self.is_cut.wait()
        await anyio.lowlevel.checkpoint()
        self.log.append("settled")
        await send({"type": "http.response.body", "body": b"cut"})


async def test_cancelled_server_lets_calls_settle_and_ends_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    app, listener = OneCall(), listen("127.0.0.1", 0)
    server = make_server(app, on_started=lambda: None, cut=app.is_cut.set)
    caplog.set_level(logging.ERROR)

    async def serve() -> None:
        try:
            await server.serve(sockets=[listener.socket])
        finally:
            app.log.append("returned")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        while not server.started:  # noqa: ASYNC110 - the server tells it by a callback that knows no loop
            await anyio.sleep(0.01)
        async with await anyio.connect_tcp("127.0.0.1", int(listener.url.rpartition(":")[2])) as client:
            await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await app.runs.wait()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                answer = b"".join([piece async for piece in client])
    gc.collect()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"cut" in answer
    assert app.log == ["settled", "the application ended", "returned"]
    assert [task for task in asyncio.all_tasks() if "lifespan" in repr(task.get_coro())] == []
    assert caplog.records == []


async def test_server_that_ends_already_is_cancelled_without_harm() -> None:
    app, listener = OneCall(), listen("127.0.0.1", 0)
    server = make_server(app, on_started=lambda: None, cut=app.is_cut.set)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener.socket])
        while not server.started:  # noqa: ASYNC110 - as above
            await anyio.sleep(0.01)
        async with await anyio.connect_tcp("127.0.0.1", int(listener.url.rpartition(":")[2])) as client:
            await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await app.runs.wait()
            await server.end(delay_seconds=0, grace_seconds=600)
            while listener.socket.fileno() >= 0:  # noqa: ASYNC110 - as above
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
    assert app.log == ["settled", "the application ended"]
