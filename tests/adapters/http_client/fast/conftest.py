import asyncio
from collections.abc import AsyncIterator

import pytest

from tianji_adapters.http_client.fast.transport import FastTransport

LOOPS = {"asyncio": ("asyncio", {}), "uvloop": ("asyncio", {"use_uvloop": True})}


@pytest.fixture(params=LOOPS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return LOOPS[request.param]


@pytest.fixture
async def transport(anyio_backend: object) -> AsyncIterator[FastTransport]:
    """A transport that must have nothing left when it is closed: no socket, no place taken, no task."""
    made = FastTransport(version="0")
    yield made
    pools = list(made._pools.values())
    assert [pool.taken - len(pool.resting) for pool in pools] == [0] * len(pools), "a place is taken by nobody"
    await made.aclose()
    assert made._pools == {}
    assert [pool.sockets for pool in pools if pool.sockets] == []
    assert [task for task in asyncio.all_tasks() if "TestRunner" not in repr(task.get_coro())] == []
