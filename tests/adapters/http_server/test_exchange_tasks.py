"""Tasks of an exchange begin and end with it, on both kinds of loops."""

import anyio
import anyio.lowlevel
import pytest

from support.gateway_parts import until
from tianji_adapters.http_server.exchange_tasks import exchange_tasks

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_tasks_end_with_the_block() -> None:
    ended: list[str] = []

    async def run(name: str) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(name)

    async with exchange_tasks() as tasks:
        tasks.start_soon(run, "a")
        tasks.start_soon(run, "b")
        await anyio.wait_all_tasks_blocked()
    await until(lambda: sorted(ended) == ["a", "b"])


async def test_a_task_can_cancel_the_block_and_nothing_after_it() -> None:
    reached = False
    async with exchange_tasks() as tasks:

        async def leave() -> None:
            await anyio.lowlevel.checkpoint()
            tasks.cancel()

        tasks.start_soon(leave)
        await anyio.sleep(5)
        reached = True
    assert not reached
    await anyio.lowlevel.checkpoint()


async def test_shielded_work_of_the_block_is_done_before_it_ends() -> None:
    done = False
    async with exchange_tasks() as tasks:

        async def leave() -> None:
            await anyio.lowlevel.checkpoint()
            tasks.cancel()

        tasks.start_soon(leave)
        try:
            await anyio.sleep(5)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
                done = True
    assert done


async def test_error_of_a_task_cancels_the_block_and_is_raised() -> None:
    async def fail() -> None:
        await anyio.lowlevel.checkpoint()
        raise KeyError("bug")

    with pytest.raises((KeyError, ExceptionGroup)):
        async with exchange_tasks() as tasks:
            tasks.start_soon(fail)
            await anyio.sleep(5)


async def test_error_of_the_block_leaves_as_it_is() -> None:
    with pytest.raises((ValueError, ExceptionGroup)):
        async with exchange_tasks() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            raise ValueError("mine")
