"""Budgets and limits of keys through their routes: what is set, what is shown, what an operator changes by hand."""

from decimal import Decimal
from typing import Any

import pytest

from support.limits import NS
from support.stores import record
from support.virtual_keys import KeyHouse, ask
from tianji_app.call.admission import Grant
from tianji_core.access.keys import VirtualKey, hash_key
from tianji_core.access.limits import Limits
from tianji_core.access.principal import Principal
from tianji_core.calls.cost import Cost
from tianji_core.calls.usage import Usage
from tianji_core.errors import BudgetExceededError, DependencyUnavailableError, UnprocessableError
from tianji_core.limits.holds import Tokens
from tianji_core.limits.windows import BudgetWindow
from tianji_core.spend.record import SpendRecord

DAY_SECONDS = 86_400
USD = 1_000_000_000

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def house() -> KeyHouse:
    return KeyHouse()


async def _key(house: KeyHouse, text: str) -> VirtualKey:
    key = await house.store.by_hash(hash_key(text))
    assert key is not None
    return key


async def _info(house: KeyHouse, text: str) -> dict[str, Any]:
    info = (await ask(house.info, query={"key": text})).document["info"]
    assert isinstance(info, dict)
    return info


async def _admit(house: KeyHouse, text: str, bound_nano: int, name: str = "call") -> Grant:
    principal = Principal(role="key", key=await _key(house, text))
    return await house.admission.admit(name, principal, bound_nano=bound_nano, tokens=Tokens())


def _row(key: VirtualKey, number: int, nano: int, windows: tuple[BudgetWindow, ...]) -> SpendRecord:
    return record(number, nano=nano, key_id=key.id, windows=windows)


async def _spend(house: KeyHouse, text: str, nano: int, number: int, *, is_stored: bool = True) -> None:
    """Make a call that costs so much, and book it."""
    grant = await _admit(house, text, nano, str(number))
    await house.admission.settle(grant, Usage(), Cost(total_nano=nano))
    if is_stored:
        await house.spend.add([_row(await _key(house, text), number, nano, grant.windows)])


async def test_limits_are_set_shown_changed_and_cleared(house: KeyHouse) -> None:
    given = {
        "max_budget": 10.5, "soft_budget": 5, "budget_duration": "30d", "rpm_limit": 60, "tpm_limit": 100_000,
        "max_parallel_requests": 4, "token_rate_limit_type": "output",
    }  # fmt: skip
    text = await house.make(**given)
    shown = await _info(house, text)
    assert {name: shown[name] for name in given} == given
    assert (shown["spend"], shown["total_spend"], shown["budget_reset_at"]) == (0, 0, "2026-02-01T00:00:00.000000Z")
    changed = (await ask(house.update, {"key": text, "max_budget": 20, "tpm_limit": None})).document
    assert {name: changed[name] for name in given} == {**given, "max_budget": 20, "tpm_limit": None}
    cleared = (await ask(house.update, {"key": text, **dict.fromkeys(given)})).document
    assert {name: cleared[name] for name in given} == {**dict.fromkeys(given), "token_rate_limit_type": "total"}
    assert (cleared["budget_reset_at"], (await _key(house, text)).limits) == (None, Limits())


async def test_listed_rows_show_limits_and_spend(house: KeyHouse) -> None:
    limited, plain = await house.make(max_budget=1, budget_duration="1d"), await house.make()
    await _spend(house, limited, 250_000_000, 1)
    rows = (await ask(house.list_keys, query={"return_full_object": "true"})).document["keys"]
    assert isinstance(rows, list)
    found = {row["token"]: (row["max_budget"], row["spend"], row["budget_reset_at"]) for row in rows}
    assert found == {hash_key(limited): (1.0, 0.25, "2026-01-02T00:00:00.000000Z"), hash_key(plain): (None, 0.0, None)}


@pytest.mark.parametrize("operation", ["generate", "update"])
@pytest.mark.parametrize("bad", [{"budget_duration": "soon"}, {"max_budget": -1}, {"max_budget": 1, "soft_budget": 1}, {"rpm_limit": -1}])
async def test_bad_limits_are_refused_and_change_nothing(house: KeyHouse, operation: str, bad: dict[str, object]) -> None:
    text = await house.make(max_budget=3)
    with pytest.raises(UnprocessableError) as caught:
        await ask(getattr(house, operation), bad | ({"key": text} if operation == "update" else {}))
    assert caught.value.param == list(bad)[-1]
    assert len(house.store.living) == 1
    limits = (await _key(house, text)).limits
    assert limits == Limits(max_budget_nano=3 * USD, budget_started_at_ns=limits.budget_started_at_ns)


@pytest.mark.parametrize("name", ["budget_id", "budget_limits", "model_max_budget", "temp_budget_increase"])
async def test_budgets_that_are_not_built_are_refused(house: KeyHouse, name: str) -> None:
    with pytest.raises(UnprocessableError) as caught:
        await ask(house.generate, {name: "x"})
    assert (caught.value.param, caught.value.code) == (name, "unsupported_field")


async def test_budget_of_zero_lets_through_what_costs_nothing(house: KeyHouse) -> None:
    text = await house.make(max_budget=0)
    await _admit(house, text, 0, "free")
    with pytest.raises(BudgetExceededError):
        await _admit(house, text, 1, "dear")


async def test_counted_spend_is_shown_before_it_is_stored(house: KeyHouse) -> None:
    text = await house.make(max_budget=1, budget_duration="1d")
    await _spend(house, text, 100_000_000, 1, is_stored=False)
    shown = await _info(house, text)
    assert (shown["spend"], shown["total_spend"]) == (0.1, 0.0)


async def test_stored_spend_is_shown_where_nobody_counts(house: KeyHouse) -> None:
    text = await house.make(max_budget=1, budget_duration="1d")
    await _spend(house, text, 100_000_000, 1)
    restarted = KeyHouse(store=house.store, spend=house.spend, clock=house.clock)
    shown = await _info(restarted, text)
    assert (shown["spend"], shown["total_spend"]) == (0.1, 0.1)
    await _spend(restarted, text, 900_000_000, 2)
    with pytest.raises(BudgetExceededError):
        await _admit(restarted, text, 1)


async def test_next_window_begins_with_nothing_spent_and_the_total_goes_on(house: KeyHouse) -> None:
    text = await house.make(max_budget=1, budget_duration="1d")
    await _spend(house, text, USD, 1)
    with pytest.raises(BudgetExceededError):
        await _admit(house, text, 1)
    house.clock.advance(DAY_SECONDS)
    shown = await _info(house, text)
    assert (shown["spend"], shown["total_spend"], shown["budget_reset_at"]) == (0.0, 1.0, "2026-01-03T00:00:00.000000Z")
    await _spend(house, text, USD, 2)
    assert (await _info(house, text))["total_spend"] == 2.0


async def test_another_duration_starts_a_window_and_the_same_one_does_not(house: KeyHouse) -> None:
    text = await house.make(max_budget=1, budget_duration="daily")
    await _spend(house, text, USD, 1)
    house.clock.advance(60)
    await ask(house.update, {"key": text, "budget_duration": "24h", "max_budget": 5})
    assert (await _info(house, text))["spend"] == 1.0
    await ask(house.update, {"key": text, "budget_duration": "7d"})
    assert (await _info(house, text))["spend"] == 0.0
    assert (await _admit(house, text, USD)).windows[0].starts_at_ns == house.clock.now_ns()


async def test_budget_without_a_duration_counts_everything_that_was_ever_spent(house: KeyHouse) -> None:
    text = await house.make()
    key = await _key(house, text)
    await house.spend.add([_row(key, 1, 2 * USD, ())])
    await ask(house.update, {"key": text, "max_budget": 3})
    await _spend(house, text, USD, 2)
    with pytest.raises(BudgetExceededError):
        await _admit(house, text, 1)
    await ask(house.update, {"key": text, "budget_duration": "1d"})
    await _spend(house, text, USD, 3)
    assert (await _info(house, text))["spend"] == 1.0
    house.clock.advance(1)
    await ask(house.update, {"key": text, "budget_duration": None})
    shown = await _info(house, text)
    assert (shown["spend"], shown["total_spend"], shown["budget_reset_at"]) == (4.0, 4.0, None)
    await ask(house.update, {"key": text, "max_budget": 6, "spend": 5})
    await _admit(house, text, USD)


async def test_duration_without_a_maximum_is_counted_and_refuses_nothing(house: KeyHouse) -> None:
    text = await house.make(budget_duration="1d")
    await _spend(house, text, 5 * USD, 1)
    assert ((await _info(house, text))["spend"], (await _admit(house, text, 900 * USD)).windows[0].ends_at_ns) == (5.0, _midnight(house))


def _midnight(house: KeyHouse) -> int:
    return (house.clock.now_ns() // NS // DAY_SECONDS + 1) * DAY_SECONDS * NS


@pytest.mark.parametrize("duration", [None, "1d"])
async def test_spend_set_by_hand_holds_for_the_next_call_and_after_a_restart(house: KeyHouse, duration: str | None) -> None:
    text = await house.make(max_budget=1, budget_duration=duration)
    await _spend(house, text, USD, 1)
    changed = (await ask(house.update, {"key": text, "spend": 0.25})).document
    assert changed["spend"] == 0.25
    assert changed["total_spend"] == (1.0 if duration else 0.25)
    await _spend(house, text, 750_000_000, 2)
    restarted = KeyHouse(store=house.store, spend=house.spend, clock=house.clock)
    for gateway in (house, restarted):
        assert (await _info(gateway, text))["spend"] == 1.0
        with pytest.raises(BudgetExceededError):
            await _admit(gateway, text, 1)


@pytest.mark.parametrize("duration", [None, "1d"])
async def test_spend_set_by_hand_counts_what_is_not_stored_yet(house: KeyHouse, duration: str | None) -> None:
    text = await house.make(max_budget=1, budget_duration=duration)
    await _spend(house, text, 400_000_000, 1, is_stored=False)
    for _ in range(2):
        assert (await ask(house.update, {"key": text, "spend": 0})).document["spend"] == 0.0
    await _admit(house, text, USD)
    grant_windows = (await house.admission.spent([Principal(role="key", key=await _key(house, text))])).values()
    late = _row(await _key(house, text), 1, 400_000_000, tuple(found.window for found in grant_windows))
    await house.spend.add([late])
    restarted = KeyHouse(store=house.store, spend=house.spend, clock=house.clock)
    assert (await _info(restarted, text))["spend"] == 0.0


async def test_spend_of_a_new_key_lies_in_its_first_window(house: KeyHouse) -> None:
    made = (await ask(house.generate, {"max_budget": "1", "budget_duration": "1d", "spend": "0.9"})).document
    assert (made["spend"], made["total_spend"]) == (0.9, 0.0)
    with pytest.raises(BudgetExceededError):
        await _admit(house, str(made["key"]), 100_000_001)


async def test_adjustment_that_cannot_be_stored_changes_no_counter(house: KeyHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    text = await house.make(max_budget=1, budget_duration="1d")
    await _spend(house, text, USD, 1)

    async def away(*_: object, **__: object) -> None:
        raise DependencyUnavailableError("the database is away")

    monkeypatch.setattr(type(house.spend), "adjust_window", away)
    with pytest.raises(DependencyUnavailableError):
        await house.budgets.adjust(await _key(house, text), to_nano=0)
    with pytest.raises(BudgetExceededError):
        await _admit(house, text, 1)


async def test_key_sees_its_own_budget(house: KeyHouse) -> None:
    text = await house.make(max_budget=Decimal("0.5"))
    caller = Principal(role="key", key=await _key(house, text))
    assert (await ask(house.info, caller=caller)).document["info"]["max_budget"] == 0.5  # type: ignore[index]
