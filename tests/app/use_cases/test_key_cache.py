"""What the cache of keys promises: few look-ups, and nothing older than the last write."""

import anyio
import msgspec
import pytest

from support.virtual_keys import CountingKeyStore
from tianji_adapters.memory.clock import FixedClock
from tianji_app.use_cases.key_cache import KeyCache
from tianji_core.access.key_changes import create_key
from tianji_core.access.key_fields import KeyFields
from tianji_core.access.keys import KeyHash, KeyId, VirtualKey, hash_key
from tianji_core.errors import DependencyUnavailableError

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _key(name: str) -> VirtualKey:
    return create_key(KeyFields(), text=name, key_id=KeyId(name), now_ns=0, actor="test")


class GatedKeyStore(CountingKeyStore):
    """Answers a look-up only when the test opens the gate; tells how many wait at most."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = anyio.Event()
        self.waiting = 0
        self.most_waiting = 0

    async def by_hash(self, key_hash: KeyHash) -> VirtualKey | None:
        """Read, then wait."""
        found = await super().by_hash(key_hash)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        return found


def _store(*keys: VirtualKey) -> CountingKeyStore:
    return CountingKeyStore(living={key.id: key for key in keys})


async def test_known_key_is_looked_up_once() -> None:
    key = _key("a")
    store = _store(key)
    cache = KeyCache(store, FixedClock())
    assert [await cache.find(key.hash) for _ in range(3)] == [key] * 3
    assert store.asked == [key.hash]


async def test_unknown_key_is_asked_again_after_five_seconds() -> None:
    store, clock = _store(), FixedClock()
    cache = KeyCache(store, clock)
    for seconds in (0, 4.9, 0.2):
        clock.advance(seconds)
        assert await cache.find(hash_key("x")) is None
    assert len(store.asked) == 2


async def test_many_callers_of_one_key_share_a_look_up() -> None:
    store = GatedKeyStore()
    cache, found = KeyCache(store, FixedClock()), []
    key = _key("a")
    store.living[key.id] = key

    async def find() -> None:
        found.append(await cache.find(key.hash))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(find)
        await anyio.wait_all_tasks_blocked()
        store.gate.set()
    assert found == [key] * 50
    assert len(store.asked) == 1


async def test_at_most_four_unknown_keys_are_looked_up_at_once() -> None:
    store = GatedKeyStore()
    cache = KeyCache(store, FixedClock())
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(cache.find, hash_key(str(number)))
        await anyio.wait_all_tasks_blocked()
        assert store.waiting == 4
        store.gate.set()
    assert (len(store.asked), store.most_waiting) == (20, 4)


async def test_look_up_overtaken_by_a_write_is_made_again() -> None:
    store = GatedKeyStore()
    cache, found = KeyCache(store, FixedClock()), []
    key = _key("a")
    blocked = msgspec.structs.replace(key, blocked=True)
    store.living[key.id] = key

    async def find() -> None:
        found.append(await cache.find(key.hash))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(find)
        tasks.start_soon(find)
        await anyio.wait_all_tasks_blocked()
        store.living[key.id] = blocked
        cache.invalidate(key.hash)
        store.gate.set()
    assert found == [blocked, blocked]
    assert await cache.find(key.hash) == blocked


async def test_caller_that_leaves_does_not_fail_those_who_wait_with_it() -> None:
    store = GatedKeyStore()
    cache, found = KeyCache(store, FixedClock()), []
    key = _key("a")
    store.living[key.id] = key
    leaving = anyio.CancelScope()

    async def leave() -> None:
        with leaving:
            await cache.find(key.hash)

    async def find() -> None:
        found.append(await cache.find(key.hash))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leave)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(find)
        await anyio.wait_all_tasks_blocked()
        leaving.cancel()
        await anyio.wait_all_tasks_blocked()
        store.gate.set()
    assert found == [key]


async def test_store_that_is_away_is_told_as_such_and_forgotten() -> None:
    store = _store()
    cache = KeyCache(store, FixedClock())
    store.is_away = True
    with pytest.raises(DependencyUnavailableError) as caught:
        await cache.find(hash_key("x"))
    assert (caught.value.code, caught.value.retry_after_seconds) == ("auth_unavailable", 5)
    store.is_away = False
    assert await cache.find(hash_key("x")) is None


async def test_oldest_known_key_goes_first() -> None:
    keys = [_key(name) for name in "abc"]
    store = _store(*keys)
    cache = KeyCache(store, FixedClock(), most_keys=2)
    for key in (keys[0], keys[1], keys[0], keys[2]):
        await cache.find(key.hash)
    assert [cache.remembers(key.hash) for key in keys] == [True, False, True]
