"""Trying all addresses of a host."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tianji_adapters.http_client.fast.connecting import ATTEMPT_DELAY_SECONDS, Found, alternating, first_of

pytestmark = pytest.mark.anyio


def found(port: int, host: str = "127.0.0.1") -> Found:
    return socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port whose queue is full, so that connecting to it hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
        for filler in fillers:
            filler.close()


@pytest.fixture
def refusing() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_families_take_turns() -> None:
    def of(*families: str) -> list[Found]:
        kinds = {"6": socket.AF_INET6, "4": socket.AF_INET}
        return [(kinds[name[0]], socket.SOCK_STREAM, 0, name, ("", 0)) for name in families]

    assert [each[3] for each in alternating(of("6a", "6b", "4a", "6c", "4b"))] == ["6a", "4a", "6b", "4b", "6c"]
    assert [each[3] for each in alternating(of("4a", "4b"))] == ["4a", "4b"]


async def test_refusing_address_gives_way_at_once(refusing: int, listening: int) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with closing(await first_of(loop, [found(refusing), found(listening)])) as connected:
        assert connected.getpeername()[1] == listening
    assert loop.time() - began < ATTEMPT_DELAY_SECONDS


async def test_silent_address_is_overtaken_and_its_try_ended(silent: int, listening: int) -> None:
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    began = loop.time()
    with closing(await first_of(loop, [found(silent), found(listening)])) as connected:
        assert connected.getpeername()[1] == listening
    assert loop.time() - began < ATTEMPT_DELAY_SECONDS * 3
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_error_of_the_last_address_is_raised_when_none_connects(refusing: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        await first_of(asyncio.get_running_loop(), [found(refusing), found(refusing)])


async def test_cancelled_race_leaves_no_try_behind(silent: int) -> None:
    before = asyncio.all_tasks()
    race = asyncio.create_task(first_of(asyncio.get_running_loop(), [found(silent), found(silent)]))
    await asyncio.sleep(ATTEMPT_DELAY_SECONDS * 1.5)
    assert len(asyncio.all_tasks() - before) == 3
    race.cancel()
    with pytest.raises(asyncio.CancelledError):
        await race
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
