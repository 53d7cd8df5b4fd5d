"""From a request to a key, and what is shown of it."""

from decimal import Decimal
from typing import Any

import pytest

from tianji_core.access.key_changes import change_key, change_limits, check_custom_key, create_key
from tianji_core.access.key_fields import KeyFields
from tianji_core.access.keys import KeyId, VirtualKey, hash_key
from tianji_core.access.limits import Limits
from tianji_core.errors import UnprocessableError

_TEXT = "sk-the-text-of-a-key"


def _made(**fields: object) -> VirtualKey:
    return create_key(KeyFields(**fields), text=_TEXT, key_id=KeyId("k"), now_ns=1_000, actor="ada")  # type: ignore[arg-type]


def test_new_key_knows_its_maker_and_not_its_text() -> None:
    key = _made(key_alias="ci", blocked=True)
    assert (key.hash, key.display, key.alias, key.created_by, key.blocked) == (hash_key(_TEXT), "sk-...-key", "ci", "ada", True)
    assert _TEXT not in repr(key)


def test_expiry_counts_from_now() -> None:
    key = _made(duration="1m")
    assert key.expires_at_ns == 60_000_001_000
    later = change_key(key, KeyFields(duration="1s"), now_ns=5_000, actor="bob")
    assert later.expires_at_ns == 1_000_005_000
    assert change_key(key, KeyFields(duration=None), now_ns=0, actor="bob").expires_at_ns is None
    assert change_key(key, KeyFields(), now_ns=0, actor="bob").expires_at_ns == key.expires_at_ns


def test_change_leaves_the_maker_and_counts_the_version() -> None:
    key = change_key(_made(), KeyFields(tags=("a",)), now_ns=2_000, actor="bob")
    assert (key.created_by, key.created_at_ns, key.updated_by, key.updated_at_ns, key.version) == ("ada", 1_000, "bob", 2_000, 2)


def test_null_clears_to_the_default() -> None:
    full = _made(key_alias="a", user_id="u", models=("m",), aliases={"a": "b"}, tags=("t",), metadata={"x": 1}, allowed_routes=("/a",))
    nothing = KeyFields(key_alias=None, user_id=None, models=None, aliases=None, tags=None, metadata=None, allowed_routes=None)
    cleared = change_key(full, nothing, now_ns=0, actor="ada")
    assert (cleared.alias, cleared.user_id, cleared.models, cleared.tags, cleared.allowed_routes) == (None, None, (), (), ())
    assert cleared.aliases == cleared.metadata == {}


def test_type_of_a_key_presets_its_routes_unless_they_are_given() -> None:
    assert _made(key_type="llm_api").allowed_routes == ("llm_api_routes",)
    assert _made(key_type="default").allowed_routes == ()
    assert _made(key_type="llm_api", allowed_routes=("/a",)).allowed_routes == ("/a",)


@pytest.mark.parametrize("text", ["sk-a1b2c3d4e5f6g7h8", "sk-" + "abcdefgh" * 31])
def test_good_custom_keys_are_accepted(text: str) -> None:
    assert check_custom_key(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "sk-1234",
        "pk-a1b2c3d4e5f6g7h8",
        "sk-a1b2c3d4 e5f6g7h8",
        "sk-ä1b2c3d4e5f6g7h8",
        "sk-aaaaaaaaaaaaaaaa",
        "sk-1234567890abcdef",
        "sk-" + "abcdefgh" * 32,
    ],
)
def test_weak_custom_keys_are_refused(text: str) -> None:
    with pytest.raises(UnprocessableError) as caught:
        check_custom_key(text)
    assert caught.value.param == "key"
    assert text not in caught.value.message


def _limits(old: Limits | None = None, now_ns: int = 0, **fields: object) -> Limits:
    return change_limits(old or Limits(), KeyFields(**fields), now_ns=now_ns)  # type: ignore[arg-type]


def test_limits_follow_the_merge_patch() -> None:
    full = _limits(
        max_budget=Decimal("1.5"),
        soft_budget=Decimal("1.25"),
        rpm_limit=1,
        tpm_limit=2,
        max_parallel_requests=3,
        token_rate_limit_type="input",
    )
    assert full == Limits(max_budget_nano=1_500_000_000, soft_budget_nano=1_250_000_000, rpm=1, tpm=2, max_parallel=3, tpm_part="input")
    assert _limits(full) == full
    assert _limits(full, rpm_limit=0) == Limits(
        max_budget_nano=1_500_000_000, soft_budget_nano=1_250_000_000, rpm=0, tpm=2, max_parallel=3, tpm_part="input"
    )
    names = ("max_budget", "soft_budget", "rpm_limit", "tpm_limit", "max_parallel_requests", "token_rate_limit_type")
    cleared: dict[str, Any] = dict.fromkeys(names)
    assert _limits(full, **cleared) == Limits()


def test_keys_carry_their_limits_through_changes() -> None:
    key = _made(max_budget=Decimal(2), rpm_limit=5)
    assert key.limits == Limits(max_budget_nano=2_000_000_000, rpm=5, budget_started_at_ns=1_000)
    changed = change_key(key, KeyFields(rpm_limit=None, blocked=True), now_ns=0, actor="bob")
    assert (changed.limits, changed.blocked) == (Limits(max_budget_nano=2_000_000_000, budget_started_at_ns=1_000), True)


def test_window_begins_when_its_duration_becomes_another() -> None:
    first = _limits(now_ns=5_999, budget_duration="24h")
    assert first == Limits(budget_duration="24h", budget_started_at_ns=5_000), "in whole microseconds"
    for same in ({}, {"budget_duration": "24h"}, {"budget_duration": "daily"}, {"max_budget": Decimal(3)}):
        assert _limits(first, now_ns=9_000, **same).budget_started_at_ns == 5_000
    assert _limits(first, now_ns=9_000, budget_duration="7d").budget_started_at_ns == 9_000
    assert _limits(first, now_ns=9_000, budget_duration=None) == Limits()


def test_window_begins_with_its_budget_and_when_it_loses_its_end() -> None:
    whole = _limits(now_ns=5_000, max_budget=Decimal(1))
    assert whole == Limits(max_budget_nano=10**9, budget_started_at_ns=5_000)
    assert _limits(whole, now_ns=9_000, max_budget=Decimal(2)).budget_started_at_ns == 5_000
    assert _limits(_limits(whole, max_budget=None), now_ns=9_000, max_budget=Decimal(1)).budget_started_at_ns == 9_000
    monthly = _limits(whole, now_ns=9_000, budget_duration="1mo")
    assert _limits(monthly, now_ns=11_000, budget_duration=None) == Limits(max_budget_nano=10**9, budget_started_at_ns=11_000)


@pytest.mark.parametrize("soft", [Decimal(1), Decimal(2)])
def test_soft_budget_lies_below_the_hard_one(soft: Decimal) -> None:
    cases: tuple[tuple[Limits, dict[str, Any]], ...] = (
        (Limits(), {"max_budget": Decimal(1), "soft_budget": soft}),
        (Limits(max_budget_nano=10**9), {"soft_budget": soft}),
        (Limits(soft_budget_nano=2 * 10**9), {"max_budget": Decimal(1)}),
    )
    for old, fields in cases:
        with pytest.raises(UnprocessableError) as caught:
            _limits(old, **fields)
        assert caught.value.param == "soft_budget"
    assert _limits(soft_budget=soft).max_budget_nano is None
