"""The use cases of virtual keys, over stores in memory."""

from typing import Any

import anyio
import msgspec
import pytest

from support.gateway_parts import snapshot_of
from support.virtual_keys import ADMIN, MASTER, KeyHouse, ask
from tianji_app.use_cases.keys import may_choose_key
from tianji_core.access.keys import VirtualKey, hash_key
from tianji_core.access.principal import Principal, Role
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    TianjiError,
    UnprocessableError,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def house() -> KeyHouse:
    return KeyHouse()


async def _row(house: KeyHouse, text: str) -> VirtualKey:
    key = await house.store.by_hash(hash_key(text))
    assert key is not None
    return key


async def _refusal(error: type[TianjiError], house: KeyHouse, operation: str, body: dict[str, Any], **more: Any) -> TianjiError:
    with pytest.raises(error) as caught:
        await ask(getattr(house, operation), body, **more)
    return caught.value


async def test_generated_key_has_43_characters_after_its_prefix_and_only_its_hash_is_kept(house: KeyHouse) -> None:
    text = await house.make()
    assert len(text) == 46
    assert text not in repr(house.store.living)
    assert (await _row(house, text)).created_by == "default_user_id"


async def test_empty_body_makes_a_key(house: KeyHouse) -> None:
    assert (await ask(house.generate)).document["blocked"] is False


async def test_nulls_and_blanks_of_a_creation_count_as_absent(house: KeyHouse) -> None:
    body: dict[str, object] = {
        "team_id": "",
        "key_alias": None,
        "models": None,
        "duration": "",
        "budget_id": None,
        "config": {},
        "blocked": None,
    }
    row = await _row(house, await house.make(**body))
    assert (row.team_id, row.alias, row.models, row.expires_at_ns, row.blocked) == (None, None, (), None, False)


async def test_alias_is_taken_once(house: KeyHouse) -> None:
    await house.make(key_alias="ci")
    assert (await _refusal(ConflictError, house, "generate", {"key_alias": "ci"})).code == "key_alias_exists"


async def test_admin_may_choose_a_key(house: KeyHouse) -> None:
    assert await house.make(key="sk-chosen-by-an-admin") == "sk-chosen-by-an-admin"
    assert (await _refusal(ConflictError, house, "generate", {"key": "sk-chosen-by-an-admin"})).code == "key_exists"


async def test_master_key_cannot_become_a_virtual_key(house: KeyHouse) -> None:
    assert (await _refusal(ConflictError, house, "generate", {"key": MASTER})).code == "key_exists"


async def test_chosen_keys_can_be_switched_off() -> None:
    house = KeyHouse(settings=GeneralSettings(custom_keys="none"))
    assert (await _refusal(PermissionDeniedError, house, "generate", {"key": "sk-chosen-by-an-admin"})).code == "custom_keys_disabled"


@pytest.mark.parametrize("role", ["proxy_admin", "key"])
@pytest.mark.parametrize(("custom_keys", "who"), [("admin", {"proxy_admin"}), ("all", {"proxy_admin", "key"}), ("none", set[str]())])
def test_setting_says_whose_keys_may_be_chosen(role: Role, custom_keys: str, who: set[str]) -> None:
    assert may_choose_key(custom_keys, Principal(role=role)) == (role in who)


async def test_new_configuration_holds_for_the_next_key() -> None:
    house = KeyHouse()
    generate = house.generate
    await ask(generate, {"key": "sk-chosen-by-an-admin", "modles": []})
    generate.snapshots.replace(snapshot_of([], general=GeneralSettings(custom_keys="none", strict_management_fields=True)))
    with pytest.raises(PermissionDeniedError):
        await ask(generate, {"key": "sk-also-chosen-by-an-admin"})
    with pytest.raises(UnprocessableError):
        await ask(generate, {"modles": []})


async def test_strict_fields_hold_for_changes_too() -> None:
    house = KeyHouse(settings=GeneralSettings(strict_management_fields=True))
    error = await _refusal(UnprocessableError, house, "update", {"key": await house.make(), "modles": ["a"]})
    assert "did you mean `models`" in error.message


async def test_strict_fields_refuse_unknown_ones_and_say_what_was_meant() -> None:
    house = KeyHouse(settings=GeneralSettings(strict_management_fields=True))
    error = await _refusal(UnprocessableError, house, "generate", {"modles": ["a"]})
    assert "did you mean `models`" in error.message


async def test_key_that_was_tried_before_it_existed_works_as_soon_as_it_exists(house: KeyHouse) -> None:
    text = "sk-chosen-by-an-admin"
    assert await house.cache.find(hash_key(text)) is None
    await house.make(key=text)
    assert await house.cache.find(hash_key(text)) is not None


async def test_given_spend_is_shown(house: KeyHouse) -> None:
    text = await house.make(spend=1.25)
    assert (await ask(house.info, query={"key": text})).document["info"]["spend"] == 1.25  # type: ignore[index]
    await ask(house.update, {"key": text, "spend": 0})
    assert (await ask(house.info, query={"key": text})).document["info"]["spend"] == 0  # type: ignore[index]


async def test_update_keeps_what_it_does_not_mention_and_clears_nulls(house: KeyHouse) -> None:
    text = await house.make(key_alias="a", models=["m"], tags=["t"], metadata={"x": 1}, duration="1d", user_id="u")
    before = await _row(house, text)
    house.clock.advance(60)
    answer = await ask(house.update, {"key": text, "models": None, "metadata": {"y": 2}, "duration": "-1"})
    after = await _row(house, text)
    assert (after.models, after.metadata, after.expires_at_ns) == ((), {"y": 2}, None)
    assert (after.alias, after.tags, after.user_id, after.created_at_ns) == ("a", ("t",), "u", before.created_at_ns)
    assert after.updated_at_ns == before.updated_at_ns + 60_000_000_000
    assert answer.version == after.version == 2


async def test_update_finds_a_key_by_text_hash_id_or_alias(house: KeyHouse) -> None:
    text = await house.make(key_alias="a")
    row = await _row(house, text)
    for body in ({"key": text}, {"key": row.hash}, {"key": row.id}, {"key_alias": "a"}):
        assert (await ask(house.update, body)).document["token"] == row.hash
    assert (await _row(house, text)).version == 5


async def test_update_can_rename(house: KeyHouse) -> None:
    text = await house.make(key_alias="a")
    await ask(house.update, {"key": text, "key_alias": "b"})
    assert (await _row(house, text)).alias == "b"


async def test_update_without_a_name_is_refused(house: KeyHouse) -> None:
    assert (await _refusal(UnprocessableError, house, "update", {"models": []})).param == "key"


@pytest.mark.parametrize("operation", ["update", "block", "unblock"])
async def test_name_that_is_no_key_is_400_and_an_unknown_key_404(house: KeyHouse, operation: str) -> None:
    assert (await _refusal(InvalidRequestError, house, operation, {"key": "garbage"})).code == "invalid_key_format"
    await _refusal(NotFoundError, house, operation, {"key": "sk-0123456789abcdef"})


async def test_expected_version_in_the_body_guards_like_the_header(house: KeyHouse) -> None:
    text = await house.make()
    await ask(house.update, {"key": text, "expected_version": 1})
    await _refusal(PreconditionFailedError, house, "update", {"key": text, "expected_version": 1})
    await _refusal(PreconditionFailedError, house, "block", {"key": text}, if_match='"1"')
    await ask(house.block, {"key": text}, if_match='W/"2", "9"')


async def test_changes_of_different_fields_made_at_once_both_survive(house: KeyHouse) -> None:
    text = await house.make()
    row = await _row(house, text)
    changed_meanwhile = msgspec.structs.replace(row, tags=("theirs",), version=2)
    house.store.before_answer = lambda: house.store.living.update({row.id: changed_meanwhile})
    await ask(house.update, {"key": text, "models": ["ours"]})
    house.store.before_answer = None
    after = await _row(house, text)
    assert (after.tags, after.models, after.version) == (("theirs",), ("ours",), 3)


async def test_key_deleted_while_it_is_changed_is_404(house: KeyHouse) -> None:
    text = await house.make()
    house.store.before_answer = house.store.living.clear
    await _refusal(NotFoundError, house, "update", {"key": text})


async def test_deletion_of_several_is_all_or_none(house: KeyHouse) -> None:
    first, second = await house.make(), await house.make(key_alias="two")
    error = await _refusal(NotFoundError, house, "delete", {"keys": [first, "sk-0123456789abcdef"], "key_aliases": ["two", "three"]})
    assert "`sk-...cdef`, `three`" in error.message
    assert len(house.store.living) == 2
    await ask(house.delete, {"keys": [first, hash_key(first)], "key_aliases": ["two"]})
    assert house.store.living == {}
    assert {gone.key.hash for gone in house.store.deleted} == {hash_key(first), hash_key(second)}


@pytest.mark.parametrize("operation", ["generate", "list_keys", "update", "delete", "block", "unblock"])
async def test_key_may_manage_nothing(house: KeyHouse, operation: str) -> None:
    key = await _row(house, await house.make())
    await _refusal(PermissionDeniedError, house, operation, {}, caller=Principal(role="key", key=key))


async def test_master_must_say_whose_info_it_wants(house: KeyHouse) -> None:
    with pytest.raises(UnprocessableError):
        await ask(house.info)


async def test_info_of_garbage_is_404(house: KeyHouse) -> None:
    with pytest.raises(NotFoundError):
        await ask(house.info, query={"key": "garbage"})


async def test_list_filters_narrow(house: KeyHouse) -> None:
    hashes = {name: hash_key(await house.make(**fields)) for name, fields in _MADE.items()}
    house.clock.advance(120)

    async def listed(**query: str) -> set[str]:
        answer = await ask(house.list_keys, query=query)
        return {name for name, key_hash in hashes.items() if key_hash in answer.document["keys"]}  # type: ignore[operator]

    assert await listed() == {"ci", "cd", "old"}
    assert await listed(user_id="ada") == {"ci", "cd"}
    assert await listed(user_id="ada", team_id="red") == {"ci"}
    assert await listed(key_alias="c") == set()
    assert await listed(key_alias="c", substring_matching="True") == {"ci", "cd"}
    assert await listed(search="d") == {"cd", "old"}
    assert await listed(key_hash=hashes["cd"]) == {"cd"}
    assert await listed(status="expired") == {"old"}
    assert await listed(expires="active") == {"ci", "cd"}


_MADE: dict[str, dict[str, object]] = {
    "ci": {"key_alias": "ci", "user_id": "ada", "team_id": "red"},
    "cd": {"key_alias": "cd", "user_id": "ada"},
    "old": {"key_alias": "old", "duration": "1m"},
}


async def test_quickstart_key_replaces_the_one_before(house: KeyHouse) -> None:
    first = await house.quickstart()
    assert (await house.authenticate(first)).key_id
    second = await house.quickstart()
    assert await house.cache.find(hash_key(first)) is None
    assert (await house.cache.find(hash_key(second))).alias == "quickstart"  # type: ignore[union-attr]
    assert len(house.store.living) == 1


async def test_cancelled_write_still_empties_the_cache(house: KeyHouse) -> None:
    text = await house.make()
    await house.cache.find(hash_key(text))
    with anyio.CancelScope() as scope:
        stored, put = house.store.put, anyio.Event()

        async def put_and_hang(key: VirtualKey, *, expected_version: int) -> None:
            await stored(key, expected_version=expected_version)
            scope.cancel()
            await put.wait()

        hanging = _Hanging(house.store, put_and_hang)
        house.writes.store = hanging
        await ask(house.block, {"key": text}, caller=ADMIN)
    assert scope.cancelled_caught
    found = await house.cache.find(hash_key(text))
    assert found is not None
    assert found.blocked


class _Hanging:
    """A key store whose `put` is another one."""

    def __init__(self, store: Any, put: Any) -> None:
        self._store, self.put = store, put

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
