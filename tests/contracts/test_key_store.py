"""What every `KeyStore` must do."""

from contextlib import suppress
from decimal import Decimal

import anyio
import msgspec
import pytest

from support.stores import NOW_NS, Stores, virtual_key
from tianji_core.access.keys import KeyHash, KeyId, VirtualKey, hash_key
from tianji_core.access.limits import Limits
from tianji_core.errors import ConflictError, NotFoundError
from tianji_core.ports.key_store import KeyFilter

_INJECTIONS = ["' OR '1'='1", "'; DROP TABLE api_keys; --", 'x" OR 1=1 --', "%", "_", ":hash", "$1", "\0", "\ud800", "\\", "é" * 2_000]
_ALL = KeyFilter()


@pytest.fixture
def anyio_backend() -> str:
    """The SQL drivers run on asyncio only."""
    return "asyncio"


@pytest.mark.anyio
async def test_key_comes_back_as_it_was_stored(stores: Stores) -> None:
    key = virtual_key(
        1,
        kind="service_account",
        alias="ci",
        user_id="u",
        team_id="t",
        organization_id="o",
        models=("gpt-5*", "claude"),
        aliases={"fast": "gpt-5-nano"},
        allowed_routes=("/v1/chat/completions",),
        tags=("prod", "ü"),
        metadata={"cost": Decimal("0.10"), "nested": {"list": [1, None, True]}, "words": "π \\ \" '"},
        limits=Limits(
            max_budget_nano=9 * 10**18,
            soft_budget_nano=0,
            budget_duration="1d",
            budget_started_at_ns=NOW_NS,
            rpm=0,
            tpm=10**12,
            max_parallel=3,
            tpm_part="output",
        ),
        blocked=True,
        expires_at_ns=NOW_NS,
    )
    await stores.keys.add(key)
    assert await stores.keys.by_id(key.id) == key
    assert await stores.keys.by_hash(key.hash) == key
    assert await stores.keys.by_alias("ci") == key


@pytest.mark.anyio
async def test_instants_rest_in_whole_microseconds(stores: Stores) -> None:
    limits = Limits(budget_duration="1d", budget_started_at_ns=NOW_NS + 1_001)
    key = virtual_key(1, created_at_ns=NOW_NS + 1_999, updated_at_ns=NOW_NS + 999, expires_at_ns=NOW_NS + 2_001, limits=limits)
    await stores.keys.add(key)
    found = await stores.keys.by_id(key.id)
    assert found is not None
    assert (found.created_at_ns, found.updated_at_ns, found.expires_at_ns) == (NOW_NS + 1_000, NOW_NS, NOW_NS + 2_000)
    assert found.limits.budget_started_at_ns == NOW_NS + 1_000


@pytest.mark.anyio
async def test_absent_key_is_none(stores: Stores) -> None:
    await stores.keys.add(virtual_key(1))
    assert await stores.keys.by_id(virtual_key(2).id) is None
    assert await stores.keys.by_hash(virtual_key(2).hash) is None
    assert await stores.keys.by_alias("ci") is None


@pytest.mark.anyio
@pytest.mark.parametrize("text", _INJECTIONS, ids=range(len(_INJECTIONS)))
async def test_text_of_a_look_up_is_never_a_statement(stores: Stores, text: str) -> None:
    await stores.keys.add(virtual_key(1, alias="ci"))
    assert await stores.keys.by_hash(KeyHash(text)) is None
    assert await stores.keys.by_id(KeyId(text)) is None
    assert await stores.keys.by_alias(text) is None
    assert (await stores.keys.page(KeyFilter(hash=KeyHash(text)), page=1, size=10)).total == 0
    assert (await stores.keys.page(KeyFilter(search=text), page=1, size=10)).total == 0
    assert (await stores.keys.page(_ALL, page=1, size=10)).total == 1


@pytest.mark.anyio
async def test_hash_and_alias_belong_to_one_key(stores: Stores) -> None:
    await stores.keys.add(virtual_key(1, alias="ci"))
    with pytest.raises(ConflictError) as hash_taken:
        await stores.keys.add(virtual_key(2, hash=virtual_key(1).hash))
    with pytest.raises(ConflictError) as alias_taken:
        await stores.keys.add(virtual_key(3, alias="ci"))
    assert (hash_taken.value.code, alias_taken.value.code) == ("key_exists", "key_alias_exists")
    assert (await stores.keys.page(_ALL, page=1, size=10)).total == 1


@pytest.mark.anyio
async def test_many_keys_have_no_alias(stores: Stores) -> None:
    await stores.keys.add(virtual_key(1))
    await stores.keys.add(virtual_key(2))
    assert (await stores.keys.page(_ALL, page=1, size=10)).total == 2


@pytest.mark.anyio
async def test_change_bumps_the_version(stores: Stores) -> None:
    key = virtual_key(1)
    await stores.keys.add(key)
    changed = msgspec.structs.replace(key, blocked=True, hash=hash_key("sk-new"), limits=Limits(rpm=5))
    await stores.keys.put(changed, expected_version=1)
    found = await stores.keys.by_id(key.id)
    assert found is not None
    assert (found.blocked, found.hash, found.version, found.limits) == (True, hash_key("sk-new"), 2, Limits(rpm=5))
    assert await stores.keys.by_hash(key.hash) is None


@pytest.mark.anyio
async def test_change_of_another_version_is_refused(stores: Stores) -> None:
    key = virtual_key(1)
    await stores.keys.add(key)
    await stores.keys.put(msgspec.structs.replace(key, team_id="first"), expected_version=1)
    with pytest.raises(ConflictError) as stale:
        await stores.keys.put(msgspec.structs.replace(key, team_id="second"), expected_version=1)
    with pytest.raises(ConflictError) as gone:
        await stores.keys.put(virtual_key(2), expected_version=1)
    assert (stale.value.code, gone.value.code) == ("version_conflict", "version_conflict")
    found = await stores.keys.by_id(key.id)
    assert found is not None
    assert found.team_id == "first"


@pytest.mark.anyio
async def test_change_to_a_taken_alias_is_refused(stores: Stores) -> None:
    await stores.keys.add(virtual_key(1, alias="ci"))
    await stores.keys.add(virtual_key(2))
    with pytest.raises(ConflictError) as taken:
        await stores.keys.put(virtual_key(2, alias="ci"), expected_version=1)
    assert taken.value.code == "key_alias_exists"
    assert await stores.keys.by_id(virtual_key(2).id) == virtual_key(2)


@pytest.mark.anyio
async def test_of_twenty_changes_at_once_one_wins(stores: Stores) -> None:
    key = virtual_key(1)
    await stores.keys.add(key)
    won: list[int] = []

    async def change(number: int) -> None:
        try:
            await stores.keys.put(msgspec.structs.replace(key, team_id=str(number)), expected_version=1)
        except ConflictError:
            return
        won.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(change, number)
    found = await stores.keys.by_id(key.id)
    assert found is not None
    assert ([found.team_id], found.version) == ([str(number) for number in won], 2)


@pytest.mark.anyio
async def test_named_key_takes_the_place_of_the_one_before(stores: Stores) -> None:
    await stores.keys.replace_named(virtual_key(1, alias="quickstart"), "quickstart")
    await stores.keys.replace_named(virtual_key(2, alias="quickstart"), "quickstart")
    page = await stores.keys.page(_ALL, page=1, size=10)
    assert page.keys == (virtual_key(2, alias="quickstart"),)
    assert await stores.deleted_keys() == {virtual_key(1).id: "admin"}


@pytest.mark.anyio
async def test_named_key_that_cannot_be_stored_leaves_the_old_one(stores: Stores) -> None:
    await stores.keys.add(virtual_key(1, alias="quickstart"))
    await stores.keys.add(virtual_key(2))
    with pytest.raises(ConflictError) as taken:
        await stores.keys.replace_named(virtual_key(3, alias="quickstart", hash=virtual_key(2).hash), "quickstart")
    assert taken.value.code == "key_exists"
    assert await stores.keys.by_alias("quickstart") == virtual_key(1, alias="quickstart")
    assert await stores.deleted_keys() == {}


@pytest.mark.anyio
async def test_ten_replacements_at_once_leave_one_key(stores: Stores) -> None:
    async def replace(number: int) -> None:
        with suppress(ConflictError):  # who collides five times in a row gives up
            await stores.keys.replace_named(virtual_key(number, alias="quickstart"), "quickstart")

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(replace, number)
    assert (await stores.keys.page(_ALL, page=1, size=10)).total == 1


@pytest.mark.anyio
async def test_deleted_keys_are_gone_and_their_rows_are_kept(stores: Stores) -> None:
    for number in range(3):
        await stores.keys.add(virtual_key(number, alias=f"key-{number}", metadata={"price": Decimal("1.50")}))
    ids = [virtual_key(number).id for number in (0, 2, 0)]
    await stores.keys.delete(ids, at_ns=NOW_NS, by="root")
    assert [key.alias for key in (await stores.keys.page(_ALL, page=1, size=10)).keys] == ["key-1"]
    assert await stores.deleted_keys() == {ids[0]: "root", ids[1]: "root"}
    await stores.keys.add(virtual_key(9, alias="key-0"))


@pytest.mark.anyio
async def test_delete_is_all_or_none(stores: Stores) -> None:
    await stores.keys.add(virtual_key(1))
    with pytest.raises(NotFoundError):
        await stores.keys.delete([virtual_key(1).id, virtual_key(2).id], at_ns=NOW_NS, by="root")
    assert await stores.keys.by_id(virtual_key(1).id) == virtual_key(1)
    assert await stores.deleted_keys() == {}


@pytest.mark.anyio
async def test_pages_are_newest_first_and_hold_every_key_once(stores: Stores) -> None:
    keys = [virtual_key(number, created_at_ns=NOW_NS + number // 2 * 1_000) for number in range(7)]
    for key in keys[::2] + keys[1::2]:
        await stores.keys.add(key)
    pages = [await stores.keys.page(_ALL, page=number, size=3) for number in (1, 2, 3, 4)]
    assert [page.total for page in pages] == [7, 7, 7, 7]
    assert [key.id for page in pages for key in page.keys] == [key.id for key in reversed(keys)]


_FILTERED = (
    virtual_key(1, alias="ci-Build", user_id="u1", team_id="t1", organization_id="o1"),
    virtual_key(2, alias="ci-build", user_id="u1", team_id="t2", expires_at_ns=NOW_NS),
    virtual_key(3, user_id="u2", team_id="t1", expires_at_ns=NOW_NS + 1_000),
)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (KeyFilter(user_id="u1"), [2, 1]),
        (KeyFilter(team_id="t1"), [3, 1]),
        (KeyFilter(user_id="u1", team_id="t1"), [1]),
        (KeyFilter(organization_id="o1"), [1]),
        (KeyFilter(hash=virtual_key(3).hash), [3]),
        (KeyFilter(alias="ci-build"), [2]),
        (KeyFilter(search="build"), [2]),
        (KeyFilter(search="ci-"), [2, 1]),
        (KeyFilter(search=""), [2, 1]),
        (KeyFilter(search="c%d"), []),
        (KeyFilter(expired=True, now_ns=NOW_NS), [2]),
        (KeyFilter(expired=False, now_ns=NOW_NS), [3, 1]),
        (KeyFilter(user_id=""), []),
    ],
    ids=range(13),
)
async def test_filter_keeps_what_matches_in_every_field(stores: Stores, wanted: KeyFilter, numbers: list[int]) -> None:
    for key in _FILTERED:
        await stores.keys.add(key)
    page = await stores.keys.page(wanted, page=1, size=10)
    by_number: dict[int, VirtualKey] = dict(enumerate(_FILTERED, start=1))
    assert page.keys == tuple(by_number[number] for number in numbers)
    assert page.total == len(numbers)
