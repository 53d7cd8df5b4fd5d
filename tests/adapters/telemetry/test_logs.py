"""Log lines: without secrets, and with what an operator looks for."""

import json

import pytest
import structlog

from tianji_adapters.telemetry.logs import call_fields, set_up_logs
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import CallEvent
from tianji_core.calls.secret import Secret


def _event(cost: Cost) -> CallEvent:
    return CallEvent(
        call_id="1", operation="chat", surface="openai_chat", route="/v1", model_asked="m", started_at_ns=0, ended_at_ns=1,
        usage_source="provider", cost=cost, status="ok", http_status=200,
    )  # fmt: skip


def test_secrets_learnt_later_are_left_out_from_the_next_line_on(capsys: pytest.CaptureFixture[str]) -> None:
    known = set_up_logs([Secret("first-secret")])
    log = structlog.get_logger("tianji.test")
    log.warning("first-secret second-secret")
    known.add([Secret("second-secret")])
    log.warning("first-secret second-secret")
    before, after = (json.loads(line)["event"] for line in capsys.readouterr().err.splitlines())
    assert (before, after) == ("*** second-secret", "*** ***")


def test_call_line_says_what_its_price_lacks_and_what_the_provider_asked_for() -> None:
    fields = call_fields(_event(Cost(basis={"unpriced": ["output_text"], "reported_usd": "-1", "reported_ignored": "negative"})))
    assert (fields["unpriced"], fields["reported_usd"], fields["reported_ignored"]) == (["output_text"], "-1", "negative")
    assert fields["cost_source"] == "zero_unpriced"
    assert not {"unpriced", "reported_usd", "reported_ignored"} & call_fields(_event(Cost())).keys()
