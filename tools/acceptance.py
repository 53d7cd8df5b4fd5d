"""Prints what TianJi promises beside the tests that show it; `make acceptance`.

The exit status is 1 while a promise has no test, or a test names a promise that there is none of.
Tests are found by collecting them, not by reading their text; none is run.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from support import promises as marks  # noqa: E402 - the folder is put on the path above
from support.promises import PAGE, Promise, promises, tied  # noqa: E402

_WIDTH = 46


class Collected:
    """A plugin that keeps what was collected."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, int]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep it."""
        self.tests = tied(session.items)


def collect() -> tuple[str, Mapping[str, Mapping[str, int]]]:
    """Return what pytest said if it could not collect, and by promise the tests with the number of their cases."""
    collected, said = Collected(), StringIO()
    with redirect_stdout(said):
        status = pytest.main(["--collect-only", "-m", "", "--rootdir", str(ROOT), str(ROOT / "tests")], plugins=[collected, marks])
    return "" if status == pytest.ExitCode.OK else said.getvalue() or str(status), collected.tests


def table(known: Sequence[Promise], tests: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the lines of the table: promises on the left, their tests on the right."""
    lines = []
    for promise in known:
        left = [promise.id, *_wrapped(promise.words)]
        right = [f"{name} ({cases})" if cases > 1 else name for name, cases in tests.get(promise.id, {}).items()] or ["NO TEST"]
        height = max(len(left), len(right))
        cells = zip(left + [""] * (height - len(left)), right + [""] * (height - len(right)), strict=True)
        lines += [f"{one:<{_WIDTH}}  {other}".rstrip() for one, other in cells] + [""]
    return lines


def _wrapped(words: str) -> list[str]:
    lines, line = [], " "
    for word in words.split():
        if len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = " "
        line += " " + word
    return [*lines, line]


def main() -> int:
    """Print the table; return the exit status."""
    known = promises(PAGE.read_text())
    complaint, tests = collect()
    if complaint:
        print(complaint)
        return 1
    print("\n".join(table(known, tests)))
    without = [promise.id for promise in known if not tests.get(promise.id)]
    shown = sum(len(names) for names in tests.values())
    print(f"{len(known)} promises, {len(known) - len(without)} of them shown by {shown} tests")
    if without:
        print(f"without a test: {', '.join(without)}")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
