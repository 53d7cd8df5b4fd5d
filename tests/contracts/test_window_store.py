"""What everybody who stores budget windows must answer, after spend was booked through the spend store beside it."""

import msgspec
import pytest

from support.limits import window_of
from support.stores import Stores, record
from tianji_core.access.keys import KeyId
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.owners import lifetime_window

US = 1_000
OLD, CURRENT, OTHER = window_of("a", 0, 10 * US), window_of("a", 10 * US, 20 * US), window_of("b", 0, 20 * US)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@pytest.fixture
async def filled(stores: Stores) -> Stores:
    """Two windows of one key, one of another, and spend of a third in none."""
    await stores.spend.add(
        [
            record(1, key_id="a", nano=3, windows=(OLD,)),
            record(2, key_id="a", nano=5, windows=(CURRENT,)),
            record(3, key_id="b", nano=7, windows=(OTHER,)),
            record(4, key_id="c", nano=11),
        ]
    )
    await stores.spend.adjust_window(CURRENT, to_nano=3)
    return stores


async def test_stored_windows_are_found_all_at_once(filled: Stores) -> None:
    asked = [CURRENT, OTHER, window_of("d", 0, 20 * US)]
    current = WindowSpend(window=CURRENT, spent_nano=5, adjusted_nano=-2)
    assert await filled.windows.window_spend(asked) == {CURRENT: current, OTHER: WindowSpend(window=OTHER, spent_nano=7)}


async def test_window_whose_boundaries_have_moved_finds_the_one_that_was_begun(filled: Stores) -> None:
    asked = window_of("a", 12 * US, 22 * US)
    assert await filled.windows.window_spend([asked]) == {asked: WindowSpend(window=CURRENT, spent_nano=5, adjusted_nano=-2)}


async def test_window_that_begins_later_is_not_found(filled: Stores) -> None:
    for asked in (window_of("a", 0, 9 * US), OLD):
        assert await filled.windows.window_spend([asked]) == {asked: WindowSpend(window=OLD, spent_nano=3)}


async def test_window_of_another_limit_key_is_another(filled: Stores) -> None:
    other = msgspec.structs.replace(CURRENT, limit_key="model")
    assert await filled.windows.window_spend([other]) == {}


async def test_window_without_an_end_holds_what_its_key_ever_spent(filled: Stores) -> None:
    await filled.spend.adjust_key_spend(KeyId("c"), to_nano=1)
    asked = [window_of("a", 15 * US), lifetime_window("c"), lifetime_window("d")]
    assert await filled.windows.window_spend(asked) == {
        asked[0]: WindowSpend(window=asked[0], spent_nano=8),
        asked[1]: WindowSpend(window=asked[1], spent_nano=11, adjusted_nano=-10),
    }


async def test_window_with_an_end_never_finds_one_without(filled: Stores) -> None:
    assert await filled.windows.window_spend([window_of("c", 0, 20 * US)]) == {}


async def test_nothing_asked_is_nothing_found(filled: Stores) -> None:
    assert await filled.windows.window_spend([]) == {}


async def test_many_windows_are_read_at_once(filled: Stores) -> None:
    others = [window_of(f"x{number}", 0, 20 * US) for number in range(600)]
    lifetimes = [lifetime_window(f"x{number}") for number in range(600)]
    asked = [*others, CURRENT, *lifetimes, lifetime_window("b"), CURRENT]
    assert set(await filled.windows.window_spend(asked)) == {CURRENT, lifetime_window("b")}
