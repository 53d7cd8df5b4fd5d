"""Whole gateways under faults that a seed decides, checked after every step; and the proof that the checks see mistakes."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from support.simulation.invariants import ViolationError
from support.simulation.mistakes import BOOKS_AGAIN, KEEPS_RESERVATIONS, REPLAY_OF, RESETS_TWICE, SETTLES_AFTER_ANSWER, rows_again
from support.simulation.parts import Kit
from support.simulation.seeds import run_one, seeds_of
from support.simulation.world import simulate

ROOT = Path(__file__).parents[2]
SEEDS, CHUNKS = 200, 8
MET = (
    "kill",
    "torn",
    "stop",
    "left",
    "came again",
    "lost replies",
    "rows twice",
    "store away",
    "rows ok",
    "rows cancelled",
    "rows error",
    "rows interrupted",
    "estimates",
    "BudgetExceededError",
    "RateLimitedError",
    "ParallelLimitError",
    "DependencyUnavailableError",
    "OverloadedError",
)


@pytest.mark.timeout(600)  # seven seconds of work, on a machine of one's own
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_booked_twice_or_overspent(chunk: int) -> None:
    seen = Counter[str]()
    for seed in range(chunk, SEEDS, CHUNKS):
        seen.update(simulate(seed).seen)
    assert [what for what in MET if not seen[what]] == []


def test_seed_repeats_itself_in_another_process() -> None:
    code = "from support.simulation.world import simulate; print([simulate(seed).digest for seed in (2, 3)])"
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "PYTHONHASHSEED": "1"}
    output = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    assert output.strip() == str([simulate(seed).digest for seed in (2, 3)])


def test_another_seed_is_another_world() -> None:
    assert simulate(0).digest != simulate(1).digest


@pytest.mark.parametrize(
    ("kit", "what"),
    [
        (KEEPS_RESERVATIONS, "of calls that do not run|calls that do not run hold something"),
        (SETTLES_AFTER_ANSWER, "was answered before it was settled"),
        (BOOKS_AGAIN, "the ledger has .* by window, and the windows have|counted, .* stored"),
        (RESETS_TWICE, "spent [0-9]+ of [0-9]+ in window|overlap"),
    ],
    ids=["reservation not released on cancel", "settlement after the answer", "rows booked twice", "window reset twice"],
)
def test_planted_mistake_is_caught(kit: Kit, what: str) -> None:
    with pytest.raises(ViolationError, match=what):
        for seed in range(SEEDS):
            simulate(seed, kit)


def test_planted_replay_that_books_a_call_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    module, name = REPLAY_OF
    monkeypatch.setattr(module, name, rows_again(getattr(module, name)))
    with pytest.raises(ViolationError, match=r"rows of earlier attempts|has the rows"):
        for seed in range(SEEDS):
            simulate(seed)


def test_violation_says_how_to_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.simulation.seeds.simulate", lambda seed: simulate(seed, SETTLES_AFTER_ANSWER))
    assert "repeat it: make simulate SEEDS=3-3" in str(run_one(3))


def test_seeds_are_a_number_a_range_or_a_list() -> None:
    assert list(seeds_of("3")) == [0, 1, 2]
    assert list(seeds_of("7-9")) == [7, 8, 9]
    assert list(seeds_of("5,1")) == [5, 1]
