"""What tests have counted and measured, for the end of the run: each says it by `record_property(FIGURE, "...")`."""

import pytest

FIGURE = "figure"


def figures(reporter: pytest.TerminalReporter) -> list[str]:
    """Return a line for each figure, with the name of its test."""
    reports = [report for name in ("passed", "failed", "xfailed") for report in reporter.stats.get(name, ())]
    found = {(report.nodeid, str(value)) for report in reports for name, value in report.user_properties if name == FIGURE}
    return [f"{nodeid.rpartition('::')[2]}: {value}" for nodeid, value in sorted(found)]
