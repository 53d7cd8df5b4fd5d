"""What every `SettingsStore` must do."""

import anyio
import pytest

from support.stores import Stores


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@pytest.mark.anyio
async def test_unknown_name_has_no_value(stores: Stores) -> None:
    assert await stores.settings.get("master_key_hash") is None


@pytest.mark.anyio
async def test_first_value_stays(stores: Stores) -> None:
    assert await stores.settings.put_if_absent("master_key_hash", "first") == "first"
    assert await stores.settings.put_if_absent("master_key_hash", "second") == "first"
    assert await stores.settings.get("master_key_hash") == "first"


@pytest.mark.anyio
async def test_empty_text_is_a_value(stores: Stores) -> None:
    assert await stores.settings.put_if_absent("note", "") == ""
    assert await stores.settings.put_if_absent("note", "later") == ""
    assert await stores.settings.get("note") == ""


@pytest.mark.anyio
async def test_names_do_not_meet(stores: Stores) -> None:
    await stores.settings.put_if_absent("a", "1")
    await stores.settings.put_if_absent("A", "2")
    assert (await stores.settings.get("a"), await stores.settings.get("A")) == ("1", "2")


@pytest.mark.anyio
async def test_of_twenty_writers_at_once_all_see_one_value(stores: Stores) -> None:
    seen: set[str] = set()

    async def put(value: str) -> None:
        seen.add(await stores.settings.put_if_absent("salt", value))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(put, f"value-{number}")
    assert seen == {await stores.settings.get("salt")}
