"""A pytest plugin: a test that was skipped is a test that did not run, and that is a failure."""

from collections.abc import Generator

import pytest

_Reports = Generator[None, "pytest.TestReport", "pytest.TestReport"]
_Collections = Generator[None, "pytest.CollectReport", "pytest.CollectReport"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> _Reports:
    """Turn a skip into a failure that says what was missing; an expected failure stays one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = _words(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> _Collections:
    """The same for a module that skips itself as a whole."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = _words(report.longrepr)
    return report


def _words(reason: object) -> str:
    return f"skipped, which is not allowed here: {reason[2] if isinstance(reason, tuple) else reason}"
