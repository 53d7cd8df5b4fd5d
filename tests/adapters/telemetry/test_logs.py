"""Log lines: without secrets, and with what an operator looks for."""

import json

import pytest
import structlog

from tianji_adapters.telemetry.logs import set_up_logs
from tianji_core.calls.secret import Secret


def test_secrets_learnt_later_are_left_out_from_the_next_line_on(capsys: pytest.CaptureFixture[str]) -> None:
    known = set_up_logs([Secret("first-secret")])
    log = structlog.get_logger("tianji.test")
    log.warning("first-secret second-secret")
    known.add([Secret("second-secret")])
    log.warning("first-secret second-secret")
    before, after = (json.loads(line)["event"] for line in capsys.readouterr().err.splitlines())
    assert (before, after) == ("*** second-secret", "*** ***")
