"""A key as the management routes show it."""

from support.keys import KEY_TEXT, virtual_key
from tianji_core.access.key_views import SpendShown, full_row, key_row, new_key_answer
from tianji_core.access.keys import hash_key
from tianji_core.access.limits import Limits
from tianji_core.wire.json import encode

KEY = virtual_key(
    alias="ci",
    user_id="u",
    models=("gpt-4o",),
    aliases={"a": "b"},
    tags=("t",),
    metadata={"m": 1},
    blocked=True,
    expires_at_ns=1_000_000_000,
    version=3,
)
NOTHING = SpendShown()


def test_row_shows_what_is_stored() -> None:
    row = key_row(KEY, SpendShown(spend_nano=1_500_000_000, total_nano=2_500_000_000), money_as_text=False)
    stored = {
        "id": KEY.id, "key_name": "sk-...mnop", "key_alias": "ci", "spend": 1.5,
        "total_spend": 2.5, "token_rate_limit_type": "total", "expires": "1970-01-01T00:00:01.000000Z",
        "models": ["gpt-4o"], "aliases": {"a": "b"}, "user_id": "u", "team_id": None, "organization_id": None, "allowed_routes": [],
        "tags": ["t"], "metadata": {"m": 1}, "blocked": True, "created_at": "1970-01-01T00:00:00.000000Z", "created_by": "admin",
        "updated_at": "1970-01-01T00:00:00.000000Z", "updated_by": "admin", "version": 3,
    }  # fmt: skip
    assert {name: row[name] for name in stored} == stored
    assert all(row[name] in (None, {}, []) for name in row.keys() - stored.keys())


def test_key_that_never_expires_says_null() -> None:
    assert key_row(virtual_key(), NOTHING, money_as_text=False)["expires"] is None


def test_money_is_exact_as_text() -> None:
    spent = SpendShown(spend_nano=123_456_789_000_000_001, total_nano=1)
    limits = Limits(max_budget_nano=9_000_000_000_000_000_001, soft_budget_nano=0)
    row = key_row(virtual_key(limits=limits), spent, money_as_text=True)
    assert (row["spend"], row["total_spend"]) == ("123456789.000000001", "0.000000001")
    assert (row["max_budget"], row["soft_budget"]) == ("9000000000.000000001", "0.000000000")


def test_limits_are_shown_by_the_names_under_which_they_are_set() -> None:
    limits = Limits(
        max_budget_nano=2_000_000_000, soft_budget_nano=500_000_000, budget_duration="1d", rpm=1, tpm=2, max_parallel=0, tpm_part="output"
    )
    row = key_row(virtual_key(limits=limits), SpendShown(resets_at_ns=60_000_000_000), money_as_text=False)
    shown = {
        "max_budget": 2.0, "soft_budget": 0.5, "budget_duration": "1d", "budget_reset_at": "1970-01-01T00:01:00.000000Z",
        "rpm_limit": 1, "tpm_limit": 2, "max_parallel_requests": 0, "token_rate_limit_type": "output",
    }  # fmt: skip
    assert {name: row[name] for name in shown} == shown


def test_only_the_full_row_has_the_hash() -> None:
    row = key_row(KEY, NOTHING, money_as_text=False)
    assert KEY.hash not in encode(row).decode()
    assert full_row(KEY, NOTHING, money_as_text=False) == {"token": hash_key(KEY_TEXT), **row}


def test_only_the_answer_of_a_creation_has_the_text() -> None:
    row = full_row(KEY, NOTHING, money_as_text=False)
    assert KEY_TEXT not in encode(row).decode()
    assert new_key_answer(KEY, KEY_TEXT, NOTHING, money_as_text=False) == {"key": KEY_TEXT, "token_id": KEY.hash, **row}
