"""What limits and budgets cost a call: three owners, each with a rate and a budget."""

from itertools import count

from pytest_benchmark.fixture import BenchmarkFixture

from support.limits import NS, owner
from tianji_core.limits.answers import WindowSpend
from tianji_core.limits.current_windows import CurrentWindows
from tianji_core.limits.holds import Hold, Tokens, holds_of
from tianji_core.limits.ledger import Ledger
from tianji_core.limits.windows import UTC_MIDNIGHT

NOW_NS = 1_790_000_000 * NS
TOKENS = Tokens(input=100, output=50)
OWNERS = tuple(owner(pk, rpm=10**12, max_budget_nano=10**18, budget_duration="1d") for pk in "abc")
WINDOWS = CurrentWindows()


def _holds() -> tuple[Hold, ...]:
    return holds_of(
        OWNERS, lambda owner, key: WINDOWS.at(owner.scope, key, owner.limits, UTC_MIDNIGHT, NOW_NS), tokens=TOKENS, bound_nano=12_345
    )


def bench_holds_of_a_call(benchmark: BenchmarkFixture) -> None:
    assert len(benchmark(_holds)) == 6


def bench_admission_and_settlement(benchmark: BenchmarkFixture) -> None:
    ledger, holds, numbers = Ledger(), _holds(), count()
    ledger.seed([WindowSpend(window=hold.window) for hold in holds if hold.window is not None], now_ns=NOW_NS)

    def call() -> None:
        number = next(numbers)
        now = 1_000.0 + number / 5_000
        call_id = f"{number:036d}"
        ledger.admit(call_id, holds, now=now)
        ledger.settle(call_id, TOKENS, 12_000, now=now)

    benchmark(call)
    assert ledger.running == 0
