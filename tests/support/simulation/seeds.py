"""Seeds, as a person names them, and what came of one, as a person is told."""

from collections.abc import Sequence

from support.simulation.invariants import ViolationError
from support.simulation.world import Outcome, simulate


def seeds_of(text: str) -> Sequence[int]:
    """Return the seeds that a text names: so many from 0 on, a range, or a list."""
    if "," in text:
        return [int(part) for part in text.split(",") if part]
    first, dash, last = text.partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(text))


def run_one(seed: int) -> Outcome | str:
    """Return what came of a seed, or what did not hold."""
    try:
        return simulate(seed)
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed that shows it is told
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        what = str(first) if isinstance(first, ViolationError) else f"seed {seed}: {type(first).__name__}: {first}"
        return f"{what}\n  repeat it: make simulate SEEDS={seed}-{seed}"
