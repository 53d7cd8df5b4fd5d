"""What everybody who stores budget windows must answer. Another store joins with one line in `STORES`."""

from collections.abc import Callable, Sequence

import pytest

from support.limits import window_of
from tianji_adapters.memory.window_store import MemoryWindowStore
from tianji_core.limits.answers import WindowSpend
from tianji_core.ports.window_store import WindowStore


def memory(stored: Sequence[WindowSpend]) -> WindowStore:
    store = MemoryWindowStore()
    for spend in stored:
        store.put(spend)
    return store


STORES: dict[str, Callable[[Sequence[WindowSpend]], WindowStore]] = {"memory": memory}
OLD = WindowSpend(window=window_of("a", 0, 10), spent_nano=3)
CURRENT = WindowSpend(window=window_of("a", 10, 20), spent_nano=5, adjusted_nano=-2)
OTHER = WindowSpend(window=window_of("b", 0, None), spent_nano=7)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> WindowStore:
    return STORES[request.param]([CURRENT, OLD, OTHER])


async def test_stored_windows_are_found_all_at_once(store: WindowStore) -> None:
    asked = [window_of("a", 10, 20), window_of("b"), window_of("c")]
    assert await store.window_spend(asked) == {asked[0]: CURRENT, asked[1]: OTHER}


async def test_window_whose_boundaries_have_moved_finds_the_one_that_was_begun(store: WindowStore) -> None:
    asked = window_of("a", 12, 22)
    assert await store.window_spend([asked]) == {asked: CURRENT}


async def test_window_that_begins_later_is_not_found(store: WindowStore) -> None:
    asked = window_of("a", 0, 9)
    assert await store.window_spend([asked]) == {asked: OLD}


async def test_nothing_asked_is_nothing_found(store: WindowStore) -> None:
    assert await store.window_spend([]) == {}
