"""What every `SpendStore` must do."""

import anyio
import pytest

from support.stores import Stores, record
from tianji_core.access.keys import KeyId

_KEY = KeyId("key-1")


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@pytest.mark.anyio
async def test_nothing_spent_is_zero(stores: Stores) -> None:
    assert await stores.spend.key_spend_nano([_KEY, KeyId("key-2")]) == {_KEY: 0, "key-2": 0}
    assert await stores.spend.key_spend_nano([]) == {}
    assert await stores.spend.add([]) == 0


@pytest.mark.anyio
async def test_spend_of_a_key_is_the_sum_of_its_rows(stores: Stores) -> None:
    batch = [
        record(1, nano=5),
        record(1, seq=1, nano=7),
        record(2, nano=11, day=1),
        record(3, nano=13, key_id="key-2"),
        record(4, nano=17, key_id=None),
        record(1, seq=100, nano=-3),
    ]
    assert await stores.spend.add(batch) == 6
    assert await stores.spend.key_spend_nano([_KEY, KeyId("key-2")]) == {_KEY: 20, "key-2": 13}


@pytest.mark.anyio
async def test_record_counts_once_inside_a_batch(stores: Stores) -> None:
    assert await stores.spend.add([record(1, nano=5), record(2, nano=7), record(1, nano=500)]) == 2
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 12}


@pytest.mark.anyio
async def test_record_counts_once_across_batches(stores: Stores) -> None:
    assert await stores.spend.add([record(1, nano=5), record(2, nano=7)]) == 2
    assert await stores.spend.add([record(2, nano=7), record(3, nano=11), record(1, nano=5)]) == 1
    assert await stores.spend.add([record(1, nano=5)]) == 0
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 23}


@pytest.mark.anyio
async def test_twenty_writers_of_overlapping_batches_count_everything_once(stores: Stores) -> None:
    news: list[int] = []

    async def add(first: int) -> None:
        batch = [record(number, nano=number, key_id=f"key-{number % 3}") for number in range(first, first + 40)]
        news.append(await stores.spend.add(batch if first % 2 else batch[::-1]))

    async with anyio.create_task_group() as tasks:
        for first in range(20):
            tasks.start_soon(add, first * 5)
    spent = await stores.spend.key_spend_nano([KeyId(f"key-{rest}") for rest in range(3)])
    assert sum(news) == 135
    assert spent == {f"key-{rest}": sum(number for number in range(135) if number % 3 == rest) for rest in range(3)}


@pytest.mark.anyio
async def test_batch_larger_than_a_statement_can_be_is_stored(stores: Stores) -> None:
    batch = [record(number, nano=1) for number in range(1_200)]
    assert await stores.spend.add(batch) == 1_200
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 1_200}


@pytest.mark.anyio
async def test_adjustment_sets_what_is_shown_and_later_spend_adds_to_it(stores: Stores) -> None:
    await stores.spend.add([record(1, nano=100)])
    await stores.spend.adjust_key_spend(_KEY, to_nano=0)
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 0}
    await stores.spend.add([record(2, nano=30)])
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 30}
    await stores.spend.adjust_key_spend(_KEY, to_nano=1_000)
    await stores.spend.adjust_key_spend(_KEY, to_nano=500)
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 500}


@pytest.mark.anyio
async def test_key_that_never_spent_can_be_adjusted(stores: Stores) -> None:
    await stores.spend.adjust_key_spend(_KEY, to_nano=40)
    await stores.spend.add([record(1, nano=2)])
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 42}


@pytest.mark.anyio
async def test_spend_of_many_keys_is_read_at_once(stores: Stores) -> None:
    await stores.spend.add([record(1, nano=5)])
    asked = [KeyId(f"key-{number}") for number in range(12_000)]
    spent = await stores.spend.key_spend_nano(asked)
    assert (len(spent), spent[_KEY], sum(spent.values())) == (12_000, 5, 5)
