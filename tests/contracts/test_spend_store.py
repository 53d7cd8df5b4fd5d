"""What every `SpendStore` must do."""

from datetime import date, timedelta

import anyio
import pytest

from support.limits import window_of
from support.stores import Stores, record
from tianji_core.access.keys import KeyId
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.owners import lifetime_window
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.comparisons import Comparison

_KEY = KeyId("key-1")
_US = 1_000
_WINDOW, _NEXT = window_of("key-1", 10 * _US, 20 * _US), window_of("key-1", 20 * _US, 30 * _US)
_TEAM = BudgetWindow(scope="t:red", limit_key="total", starts_at_ns=0, ends_at_ns=20 * _US)


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


async def _in(stores: Stores, *windows: BudgetWindow) -> list[int]:
    found = await stores.windows.window_spend(windows)
    return [found.get(window, WindowSpend(window=window)).shown_nano for window in windows]


@pytest.mark.anyio
async def test_new_rows_are_booked_to_their_windows_and_known_ones_are_not(stores: Stores) -> None:
    batch = [
        record(1, nano=5, windows=(_WINDOW, _TEAM)),
        record(1, seq=1, nano=7, windows=(_WINDOW,)),
        record(2, nano=11, windows=(_NEXT,)),
        record(3, nano=13),
    ]
    await stores.spend.add([*batch, batch[0]])
    await stores.spend.add([*batch[::-1], record(4, nano=17, windows=(_WINDOW,)), record(1, seq=100, nano=-2, windows=(_WINDOW,))])
    assert await _in(stores, _WINDOW, _NEXT, _TEAM, lifetime_window(_KEY)) == [27, 11, 5, 51]


@pytest.mark.anyio
async def test_call_that_is_settled_late_is_booked_to_the_window_of_its_admission(stores: Stores) -> None:
    await stores.spend.add([record(1, nano=5, windows=(_NEXT,))])
    await stores.spend.add([record(2, nano=7, windows=(_WINDOW,))])
    assert await _in(stores, _WINDOW, _NEXT) == [7, 5]


@pytest.mark.anyio
async def test_twenty_writers_book_everything_once(stores: Stores) -> None:
    async def add(first: int) -> None:
        windows = (_WINDOW, _NEXT)
        batch = [record(number, nano=number, windows=(windows[number % 2], _TEAM)) for number in range(first, first + 40)]
        await stores.spend.add(batch if first % 2 else batch[::-1])

    async with anyio.create_task_group() as tasks:
        for first in range(20):
            tasks.start_soon(add, first * 5)
    expected = [sum(number for number in range(135) if number % 2 == rest) for rest in range(2)]
    assert await _in(stores, _WINDOW, _NEXT, _TEAM) == [*expected, sum(range(135))]


@pytest.mark.anyio
async def test_adjustment_of_a_window_sets_what_it_shows_and_touches_nothing_else(stores: Stores) -> None:
    await stores.spend.add([record(1, nano=100, windows=(_WINDOW,)), record(2, nano=40, windows=(_NEXT,))])
    for _ in range(2):
        stored = await stores.spend.adjust_window(_WINDOW, to_nano=30)
        assert stored == WindowSpend(window=_WINDOW, spent_nano=100, adjusted_nano=-70)
    await stores.spend.add([record(3, nano=5, windows=(_WINDOW,))])
    assert await _in(stores, _WINDOW, _NEXT) == [35, 40]
    assert await stores.spend.key_spend_nano([_KEY]) == {_KEY: 145}


@pytest.mark.anyio
async def test_window_in_which_nobody_has_spent_can_be_adjusted(stores: Stores) -> None:
    assert await stores.spend.adjust_window(_WINDOW, to_nano=30) == WindowSpend(window=_WINDOW, adjusted_nano=30)
    await stores.spend.add([record(1, nano=5, windows=(_WINDOW,))])
    assert await _in(stores, _WINDOW) == [35]


@pytest.mark.anyio
@pytest.mark.parametrize("window", [_WINDOW, window_of(_KEY, 15 * _US)], ids=["ends", "does not"])
async def test_adjustment_goes_by_what_is_counted_where_that_is_ahead_of_the_store(stores: Stores, window: BudgetWindow) -> None:
    windows = (window,) if window == _WINDOW else ()
    fresh = await stores.spend.adjust_window(window, to_nano=0, counted_nano=60)
    assert (fresh.spent_nano, fresh.adjusted_nano) == (0, -60)
    await stores.spend.add([record(1, nano=100, windows=windows)])
    ahead = await stores.spend.adjust_window(window, to_nano=0, counted_nano=120)
    behind = await stores.spend.adjust_window(window, to_nano=0, counted_nano=20)
    assert (ahead.adjusted_nano, behind.adjusted_nano, behind.spent_nano) == (-120, -100, 100)
    assert (ahead.window, await _in(stores, window)) == (window, [0])


@pytest.mark.anyio
async def test_totals_that_agree_are_balanced(stores: Stores) -> None:
    batch = [
        record(1, nano=5, windows=(_WINDOW, _TEAM)),
        record(1, seq=1, nano=7, windows=(_WINDOW,)),
        record(2, nano=11, day=1, windows=(_NEXT,)),
        record(3, nano=13, key_id="key-2", user_id="ada"),
        record(4, nano=17, key_id=None),
        record(5, nano=-3, seq=100),
    ]
    await stores.spend.add(batch)
    await stores.spend.adjust_window(_WINDOW, to_nano=0)
    await stores.spend.adjust_key_spend(_KEY, to_nano=0)
    first = record(1).day
    assert await stores.spend.reconcile(first, first + timedelta(days=1), most=10) == (
        Comparison(pair="daily_totals", checked=4, differing=0),
        Comparison(pair="lifetime", checked=2, differing=0),
        Comparison(pair="windows", checked=2, differing=0),
    )
    outside = await stores.spend.reconcile(date(2020, 1, 1), date(2020, 1, 2), most=10)
    assert [comparison.checked for comparison in outside] == [0, 2, 2]


@pytest.mark.anyio
async def test_nothing_spent_is_balanced(stores: Stores) -> None:
    compared = await stores.spend.reconcile(date(2020, 1, 1), date(2020, 1, 2), most=10)
    assert [(comparison.checked, comparison.differing, comparison.differences) for comparison in compared] == [(0, 0, ())] * 3
