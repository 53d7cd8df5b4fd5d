"""What every `Database` must do."""

import anyio
import pytest

from support.stores import Stores
from tianji_core.errors import ConfigurationError


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@pytest.mark.anyio
async def test_upgrade_of_a_database_of_this_version_changes_nothing(stores: Stores) -> None:
    await stores.settings.put_if_absent("note", "kept")
    await stores.database.upgrade()
    await stores.database.ping()
    assert await stores.settings.get("note") == "kept"


@pytest.mark.anyio
async def test_second_process_is_refused_and_told_why(stores: Stores) -> None:
    async with stores.database.only_process(wait_seconds=0):
        with pytest.raises(ConfigurationError, match="in use by") as refused:
            async with stores.again().only_process(wait_seconds=0.05):
                pytest.fail("two processes hold one database")
    assert refused.value.hint


@pytest.mark.anyio
async def test_next_process_may_come_when_the_first_has_left(stores: Stores) -> None:
    async with stores.database.only_process(wait_seconds=0):
        pass
    async with stores.again().only_process(wait_seconds=0):
        pass


@pytest.mark.anyio
async def test_failure_of_the_holder_gives_the_right_back(stores: Stores) -> None:
    with pytest.raises(OSError, match="disk"):
        async with stores.database.only_process(wait_seconds=0):
            raise OSError("disk")
    async with stores.again().only_process(wait_seconds=0):
        pass


@pytest.mark.anyio
async def test_waiting_process_gets_its_turn(stores: Stores) -> None:
    order: list[str] = []

    async def wait() -> None:
        async with stores.again().only_process(wait_seconds=10):
            order.append("second")

    async with anyio.create_task_group() as tasks, stores.database.only_process(wait_seconds=0):
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        order.append("first leaves")
    assert order == ["first leaves", "second"]


@pytest.mark.anyio
async def test_of_twenty_starts_at_once_one_serves_and_nineteen_say_why_they_stop(stores: Stores) -> None:
    reasons: list[str] = []
    served: list[int] = []
    refused_all = anyio.Event()

    async def start(number: int) -> None:
        try:
            async with stores.again().only_process(wait_seconds=0.2):
                served.append(number)
                await refused_all.wait()
        except ConfigurationError as error:
            reasons.append(str(error))
            if len(reasons) == 19:
                refused_all.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(start, number)
    assert (len(served), len(reasons)) == (1, 19)
    assert all("in use by" in reason for reason in reasons)
