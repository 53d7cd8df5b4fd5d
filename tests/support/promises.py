"""A pytest plugin: which tests are tied to which promise of docs/explanation/promises.md.

`@pytest.mark.promise("id")` ties a test to one promise, or with several ids to several; an id that the page does not have is an error.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "promises.md"
_HEADING = re.compile(r"^### ([a-z0-9-]+): (.+)$", re.MULTILINE)


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A heading of the page."""

    id: str
    words: str


def promises(text: str) -> list[Promise]:
    """Return the promises of the page's text, in its order.

    Raises:
        ValueError: two of them have one id.
    """
    found = [Promise(id=match[1], words=match[2]) for match in _HEADING.finditer(text)]
    ids = [promise.id for promise in found]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ValueError(f"two promises are named {twice[0]!r}")
    return found


def tied(items: Iterable[pytest.Item]) -> dict[str, dict[str, int]]:
    """Return for each id its tests, a test being a function with the number of its cases."""
    found: dict[str, dict[str, int]] = {}
    for item in items:
        name = item.nodeid.partition("[")[0]
        for mark in item.iter_markers("promise"):
            for promise in mark.args:
                cases = found.setdefault(promise, {})
                cases[name] = cases.get(name, 0) + 1
    return found


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse marks that name no promise."""
    known = {promise.id for promise in promises(PAGE.read_text())}
    unknown = {name: tests for name, tests in tied(items).items() if name not in known}
    if unknown:
        name, tests = next(iter(unknown.items()))
        raise pytest.UsageError(f"{next(iter(tests))} is tied to the promise {name!r}, which {PAGE.name} does not have")
