"""Who gets in, and who is told what."""

import pytest

from support.virtual_keys import MASTER, METRICS, KeyHouse, ask
from tianji_core.access.keys import hash_key
from tianji_core.errors import (
    AuthenticationError,
    DependencyUnavailableError,
    PermissionDeniedError,
    RateLimitedError,
    UnknownKeyError,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def house() -> KeyHouse:
    return KeyHouse()


async def test_master_key_is_the_admin_without_the_store(house: KeyHouse) -> None:
    house.store.is_away = True
    assert (await house.authenticate(MASTER)).is_admin


async def test_metrics_token_is_no_admin(house: KeyHouse) -> None:
    principal = await house.authenticate(METRICS)
    assert (principal.role, principal.is_admin) == ("metrics", False)


async def test_key_is_its_own_principal(house: KeyHouse) -> None:
    text = await house.make(user_id="ada")
    principal = await house.authenticate(text)
    assert principal.key is not None
    assert (principal.role, principal.key.hash, principal.actor) == ("key", hash_key(text), "ada")


@pytest.mark.parametrize(
    "text", [None, "", "sk-", "sk-short", "bearer", "a" * 64, "sk-with a space in it", "sk-é-0123456789012", "sk-" + "x" * 254]
)
async def test_what_cannot_be_a_key_is_refused_before_the_store(house: KeyHouse, text: str | None) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await house.authenticate(text)
    assert caught.value.code == "invalid_api_key"
    assert house.store.asked == []


async def test_hash_of_a_key_authenticates_nobody(house: KeyHouse) -> None:
    with pytest.raises(AuthenticationError):
        await house.authenticate(hash_key(await house.make()))


async def test_unknown_key_is_401_and_its_text_is_in_no_message(house: KeyHouse) -> None:
    with pytest.raises(UnknownKeyError) as caught:
        await house.authenticate("sk-unknown-0123456789")
    assert "0123456789" not in str(caught.value)


async def test_key_is_valid_until_the_instant_of_its_expiry(house: KeyHouse) -> None:
    text = await house.make(duration="1m")
    house.clock.advance(59.999)
    await house.authenticate(text)
    house.clock.advance(0.001)
    with pytest.raises(AuthenticationError) as caught:
        await house.authenticate(text)
    assert caught.value.code == "expired_key"


async def test_blocked_key_is_403_from_the_next_call_on(house: KeyHouse) -> None:
    text = await house.make()
    await house.authenticate(text)
    await ask(house.block, {"key": text})
    with pytest.raises(PermissionDeniedError) as caught:
        await house.authenticate(text)
    assert caught.value.code == "key_blocked"


async def test_blocked_key_stays_blocked_while_the_store_is_away(house: KeyHouse) -> None:
    text, other = await house.make(), await house.make()
    await ask(house.block, {"key": text})
    for known in (text, other):
        await house.cache.find(hash_key(known))
    house.store.is_away = True
    with pytest.raises(PermissionDeniedError):
        await house.authenticate(text)
    await house.authenticate(other)
    with pytest.raises(DependencyUnavailableError):
        await house.authenticate("sk-unknown-0123456789")


async def test_address_that_guesses_waits_and_nobody_else_does(house: KeyHouse) -> None:
    known, unseen = await house.make(), await house.make()
    await house.authenticate(known, address="10.0.0.1")
    for number in range(20):
        with pytest.raises(UnknownKeyError):
            await house.authenticate(f"sk-guess-0123456789-{number}", address="10.0.0.1")
    asked = len(house.store.asked)
    with pytest.raises(RateLimitedError):
        await house.authenticate(unseen, address="10.0.0.1")
    assert len(house.store.asked) == asked
    await house.authenticate(known, address="10.0.0.1")
    await house.authenticate(unseen, address="10.0.0.2")
    house.clock.advance(1)
    with pytest.raises(UnknownKeyError):
        await house.authenticate("sk-guess-0123456789-x", address="10.0.0.1")


async def test_one_wrong_key_repeated_is_one_guess(house: KeyHouse) -> None:
    for _ in range(50):
        with pytest.raises(UnknownKeyError):
            await house.authenticate("sk-old-0123456789012", address="10.0.0.1")
    await house.authenticate(await house.make(), address="10.0.0.1")
