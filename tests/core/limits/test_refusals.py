"""Refusals as callers read them."""

import msgspec
import pytest

from support.limits import NS, budget, parallel, requests, tokens, window_of
from tianji_core.envelopes import anthropic_error, openai_error
from tianji_core.errors import BudgetExceededError, LimitExceededError, ParallelLimitError, RateLimitedError
from tianji_core.limits.answers import Refused
from tianji_core.limits.holds import Hold
from tianji_core.limits.refusals import refusal_error

NOW_NS = 1_764_000_000 * NS
NANO = 10**9
SECRET = "another-tenant"


def error_of(refused: Refused) -> LimitExceededError:
    return refusal_error(refused, now_ns=NOW_NS)


def headers_of(error: LimitExceededError) -> dict[str, str]:
    return dict(openai_error(error, "r")[1])


def money(amount: int, ends_at_ns: int | None = None) -> Hold:
    return budget(10 * NANO, amount, window=window_of("a", 0, ends_at_ns))


def test_full_minute_says_whose_it_is_and_when_the_call_fits() -> None:
    error = error_of(Refused(hold=requests(3), reason="full", used=3, wait_seconds=1.25))
    assert isinstance(error, RateLimitedError)
    assert error.message == 'rate limit of key "a": 3 requests per minute; 3 used in the last minute, 1 asked for'
    found = headers_of(error)
    assert (found["retry-after"], found["retry-after-ms"]) == ("2", "1250")
    assert (found["rate_limit_type"], found["reset_at"]) == ("requests", "2025-11-24T16:00:01.250000Z")
    assert "x-should-retry" not in found
    assert (openai_error(error, "r")[0], error.code) == (429, "rate_limit_exceeded")


def test_limit_on_a_part_of_the_tokens_says_so() -> None:
    error = error_of(Refused(hold=tokens(3, 2, part="output"), reason="full", used=3, wait_seconds=1.0))
    assert "3 output tokens per minute" in error.message
    assert headers_of(error)["rate_limit_type"] == "tokens"


def test_request_above_the_whole_limit_is_final() -> None:
    error = error_of(Refused(hold=tokens(3, 4), reason="too_large", used=0))
    found = headers_of(error)
    assert found["x-should-retry"] == "false"
    assert not {"retry-after", "retry-after-ms", "reset_at"} & found.keys()


def test_full_gauge_says_to_come_again_in_a_second() -> None:
    error = error_of(Refused(hold=parallel(2), reason="full", used=2, wait_seconds=1.0))
    assert isinstance(error, ParallelLimitError)
    assert error.message == 'parallel limit of key "a": 2 calls at the same time; 2 are running'
    found = headers_of(error)
    assert (found["retry-after"], found["rate_limit_type"]) == ("1", "max_parallel_requests")


def test_gauge_that_lets_nothing_through_is_final() -> None:
    assert headers_of(error_of(Refused(hold=parallel(0), reason="too_large", used=0)))["x-should-retry"] == "false"


def test_spent_budget_is_final_and_its_document_says_all() -> None:
    error = error_of(Refused(hold=money(NANO, NOW_NS + 90 * NS), reason="spent", used=10_250_000_000))
    assert isinstance(error, BudgetExceededError)
    assert error.message == 'budget of key "a" is used up: 10.25 of 10.00 USD spent, until 2025-11-24T16:01:30.000000Z'
    status, headers, body = openai_error(error, "r")
    assert (status, dict(headers)["x-should-retry"]) == (429, "false")
    assert "retry-after" not in dict(headers)
    document = msgspec.json.decode(body)["error"]
    assert (document["type"], document["code"]) == ("insufficient_quota", "budget_exceeded")
    assert document["budget"] == {"scope": "key", "id": "a", "limit": 10.0, "spent": 10.25, "resets_at": "2025-11-24T16:01:30.000000Z"}
    assert msgspec.json.decode(anthropic_error(error, "r")[2])["error"]["budget"] == document["budget"]


def test_budget_that_resets_within_a_minute_says_when() -> None:
    found = headers_of(error_of(Refused(hold=money(NANO, NOW_NS + 59 * NS + 1), reason="spent", used=10 * NANO)))
    assert (found["retry-after"], found["x-should-retry"]) == ("60", "false")


def test_reserved_budget_is_worth_another_try_and_names_the_bound() -> None:
    error = error_of(Refused(hold=money(2 * NANO), reason="reserved", used=4 * NANO, reserved=5 * NANO, wait_seconds=1.0))
    assert error.message == (
        'budget of key "a" is reserved: 4.00 of 10.00 USD spent, 5.00 reserved by running calls, this call may cost up to 2.00, '
        "it does not reset"
    )
    assert "max_tokens" in str(error.hint)
    found = headers_of(error)
    assert (error.code, found["retry-after"]) == ("budget_reserved", "1")
    assert "x-should-retry" not in found


def test_call_that_costs_more_than_is_left_is_final() -> None:
    error = error_of(Refused(hold=money(7 * NANO + 1), reason="too_large", used=4 * NANO))
    assert (
        error.message
        == 'budget of key "a" has too little left: 4.00 of 10.00 USD spent, this call may cost up to 7.000000001, it does not reset'
    )
    assert (error.code, headers_of(error)["x-should-retry"]) == ("budget_exceeded", "false")


@pytest.mark.parametrize("reason", ["full", "too_large", "spent", "reserved"])
@pytest.mark.parametrize("hold", [requests(3, SECRET), tokens(3, 4, SECRET), parallel(1, SECRET), budget(10, 1, SECRET)])
def test_nothing_names_an_owner_that_the_caller_may_not_know(hold: Hold, reason: str) -> None:
    hidden = msgspec.structs.replace(hold, owner=msgspec.structs.replace(hold.owner, shown=None))
    wait = 1.0 if reason in ("full", "reserved") else None
    _, headers, body = openai_error(error_of(Refused(hold=hidden, reason=reason, used=5, wait_seconds=wait)), "r")  # type: ignore[arg-type]
    assert SECRET not in body.decode() + str(headers)
    assert "above this key" in body.decode()
    assert "budget" not in msgspec.json.decode(body)["error"]
