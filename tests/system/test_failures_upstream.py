"""What callers and the account see when a provider is slow, gone, silent or senseless, before its answer or in the middle of it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import faulty_upstream as up
from support.faulty_upstream import Act, FaultyUpstream, faulty_upstream
from support.house import COST_NANO, House, models, running_house
from support.ledger import eventually, rows

WHOLE = up.json_answer(up.COMPLETION)
STREAMED = up.CHUNKED + up.piece("Hel") + up.piece("lo.") + up.END
_CUT = up.CHUNKED + up.piece("Hel")
_NONSENSE = up.chunk(b'data: {"choices": [\n\n')
BUDGET_NANO = 10_000_000

BEFORE: dict[str, tuple[Act, Act, int, str]] = {
    "slow": (
        up.trickling(WHOLE, bytes_at_once=16, pause=lambda: time.sleep(0.01)),
        up.trickling(STREAMED, bytes_at_once=16, pause=lambda: time.sleep(0.01)),
        200,
        "",
    ),
    "dead": (up.resetting(), up.resetting(), 502, "upstream_error"),
    "half-open": (up.silent(), up.silent(), 504, "upstream_timeout"),
    "malformed": (up.saying(b"220 mail.example ESMTP\r\n"), up.saying(b"220 mail.example ESMTP\r\n"), 502, "upstream_protocol_error"),
}
AFTER: dict[str, tuple[Act, str]] = {
    "dead": (up.resetting(_CUT), "upstream_protocol_error"),
    "half-open": (up.silent(_CUT), "upstream_timeout"),
    "malformed": (up.saying(_CUT, _NONSENSE, up.END), "upstream_protocol_error"),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with faulty_upstream() as server:
        yield server


@pytest.fixture(scope="module")
def house(upstream: FaultyUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    special = {"half-open": {"timeout": 0.5, "stream_timeout": 0.5}}
    blocks = {"router_settings": {"disable_cooldowns": True, "stream_idle_timeout": 1, "num_retries": 0}}
    entries = models(upstream, "fine", *BEFORE, special=special)
    with running_house(tmp_path_factory.mktemp("upstream") / "data", entries, blocks=blocks) as running:
        yield running


def _nothing_is_held(house: House, key: str) -> None:
    """Check that a call fits which needs all that is left of the budget, but for the bound of its own input."""
    output = (BUDGET_NANO - house.spent_nano(key) - 1_000_000) // 2_000
    assert house.call(key, max_tokens=output).status_code == 200, "nothing of the budget is held any more"


@pytest.mark.promise("bad-upstream", "exact-money", "dependencies-fail")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", BEFORE)
def test_faulty_provider_costs_its_own_callers_an_error_and_nobody_any_money(
    fault: str, stream: bool, house: House, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    whole, streamed, status, code = BEFORE[fault]
    upstream.script(fault, streamed if stream else whole)
    key = house.make_key(max_budget=BUDGET_NANO / 1e9)
    began = time.monotonic()
    answer = house.call(key, fault, stream=stream, max_tokens=9)
    assert time.monotonic() - began < 10
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["error"]["code"] == code
    assert eventually(lambda: rows(house.data_dir, call_id=answer.headers["x-request-id"]))
    (row,) = rows(house.data_dir, call_id=answer.headers["x-request-id"])
    assert (row["status"], row["cost_nano"]) == (("ok", COST_NANO) if status == 200 else ("error", 0))
    assert house.spent_nano(key) == row["cost_nano"]
    _nothing_is_held(house, key)


@pytest.mark.promise("bad-upstream", "truncation-told", "exact-money", "dependencies-fail")
@pytest.mark.parametrize("fault", AFTER)
def test_provider_that_fails_in_the_middle_of_a_stream_is_told_and_paid_for_what_came(
    fault: str, house: House, upstream: FaultyUpstream
) -> None:
    act, code = AFTER[fault]
    upstream.script(fault, act)
    key = house.make_key(max_budget=BUDGET_NANO / 1e9)
    answer = house.call(key, fault, stream=True, max_tokens=9)
    assert answer.status_code == 200
    assert f'"{code}"' in answer.text.split("\n\n")[-2]
    assert "[DONE]" not in answer.text
    assert eventually(lambda: rows(house.data_dir, call_id=answer.headers["x-request-id"]))
    (row,) = rows(house.data_dir, call_id=answer.headers["x-request-id"])
    assert (row["status"], row["usage_source"]) == ("error", "estimated")
    assert 0 < row["cost_nano"] == house.spent_nano(key)
    _nothing_is_held(house, key)


def test_nothing_of_this_was_a_bug_of_the_gateway(house: House) -> None:
    assert house.gauge("tianji_calls_in_flight") == 0
    assert "Traceback" not in house.gateway.output
