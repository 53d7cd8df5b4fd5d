"""Run any number of worlds: `python -m support.simulation SEEDS`, where SEEDS is `200`, `100-299` or `17,4711`."""

import os
import sys
import time
from collections import Counter
from multiprocessing import get_context

from support.simulation.seeds import run_one, seeds_of


def main(text: str) -> int:
    """Run them all, on every core; print what failed and what was met."""
    began, seen, steps, failed = time.monotonic(), Counter[str](), 0, 0
    seeds = seeds_of(text)
    with get_context("spawn").Pool(min(os.cpu_count() or 1, len(seeds))) as pool:
        for outcome in pool.imap(run_one, seeds, chunksize=4):
            if isinstance(outcome, str):
                failed += 1
                print(outcome, flush=True)
                continue
            seen.update(outcome.seen)
            steps += outcome.steps
    for what, count in sorted(seen.items()):
        print(f"{count:>8} {what}")
    print(f"{len(seeds)} seeds, {steps} steps, {failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "200"))
