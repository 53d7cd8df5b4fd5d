"""The line of a call: everything an operator looks for, no secret, and the same whichever way it was made."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tianji_adapters.telemetry.call_log import CallLog, call_fields, call_log
from tianji_adapters.telemetry.logs import KnownSecrets
from tianji_core.calls.cost import Cost
from tianji_core.calls.events import Attempt, CallEvent, EventError
from tianji_core.calls.secret import Secret
from tianji_core.calls.usage import Usage

SECRET = 'plan"ted-secret'
ATTEMPT = Attempt(
    number=1, deployment_id="d1", provider="openai", model_group="fast", model="gpt-4o", started_at_ns=0, ended_at_ns=5, outcome="unbilled",
    error=EventError(type="timeout", message=SECRET),
)  # fmt: skip


def _event(**changes: Any) -> CallEvent:
    values: dict[str, Any] = {
        "call_id": "1", "operation": "chat", "surface": "openai_chat", "route": "/v1", "model_asked": "m", "started_at_ns": 0,
        "ended_at_ns": 1_500_000, "usage_source": "provider", "cost": Cost(), "status": "ok", "http_status": 200, **changes,
    }  # fmt: skip
    return CallEvent(**values)


def _log(*secrets: str) -> CallLog:
    return CallLog(KnownSecrets([Secret(secret) for secret in secrets]), io.StringIO())


def _written(log: CallLog) -> list[dict[str, Any]]:
    log.flush()
    assert isinstance(log.stream, io.StringIO)
    return [json.loads(line) for line in log.stream.getvalue().splitlines()]


def test_call_line_says_what_its_price_lacks_and_what_the_provider_asked_for() -> None:
    fields = call_fields(_event(cost=Cost(basis={"unpriced": ["output_text"], "reported_usd": "-1", "reported_ignored": "negative"})))
    assert (fields["unpriced"], fields["reported_usd"], fields["reported_ignored"]) == (["output_text"], "-1", "negative")
    assert fields["cost_source"] == "zero_unpriced"
    assert not {"unpriced", "reported_usd", "reported_ignored"} & call_fields(_event()).keys()


_texts = st.none() | st.sampled_from(["a", "\u00e9\n", "Bearer abcdef123", "?key=abc", "apiKey: 12345678", SECRET, f"({SECRET})"])
_counts = st.none() | st.integers(0, 10)
_events = st.builds(
    _event,
    client_call_id=_texts,
    session_id=_texts,
    response_id=_texts,
    model_asked=_texts.map(lambda text: text or ""),
    key_alias=_texts,
    key_hash=st.none() | st.just("0123456789abcdef"),
    tags=st.lists(_texts.filter(bool), max_size=2).map(tuple),
    stream=st.booleans(),
    upstream_started_at_ns=st.none() | st.just(3),
    first_chunk_at_ns=st.none() | st.just(1_000_000_003),
    usage=st.builds(Usage, input_text=_counts, cache_read=_counts, output_text=_counts, reasoning=_counts),
    cost=st.builds(
        Cost, total_nano=st.integers(0, 5), source=st.sampled_from(["computed", "custom"]),
        basis=st.sampled_from([{}, {"entry": "m"}, {"entry": "m", "unpriced": ["output_text"]}, {"reported_usd": "1"}]),
    ),
    status=st.sampled_from(["ok", "error", "cancelled", "blocked"]),
    error=st.none() | st.builds(
        EventError, type=st.sampled_from(["timeout", "internal_error"]), message=_texts, source=st.sampled_from(["client", "gateway"])
    ),
    attempts=st.sampled_from([(), (ATTEMPT,), (ATTEMPT, ATTEMPT)]),
    retries=st.integers(0, 1),
    fallbacks=st.integers(0, 1),
    dropped_params=st.sampled_from([(), ("seed",)]),
)  # fmt: skip


@given(st.lists(_events, min_size=1, max_size=4))
def test_line_that_was_put_together_is_the_line_that_was_made_field_by_field(events: list[CallEvent]) -> None:
    log = _log(SECRET)
    for event in events:
        log.call_finished(event)
    told = _written(log)
    for line, event in zip(told, events, strict=True):
        scrubbed = {name: log.secrets.scrub.value(value) for name, value in call_fields(event).items()}
        assert {name: line.pop(name) for name in ("event", "logger")} == {"event": "call", "logger": "tianji.call"}
        assert line.pop("timestamp") == "1970-01-01T00:00:00.001500Z"
        assert line.pop("level") in ("info", "warning", "error")
        assert line == scrubbed


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "info"),
        ({"status": "cancelled", "error": EventError(type="client_gone")}, "info"),
        ({"status": "error", "error": EventError(type="invalid_request", source="client")}, "info"),
        ({"status": "error", "error": EventError(type="timeout", source="upstream")}, "warning"),
        ({"status": "blocked"}, "warning"),
        ({"status": "error", "error": EventError(type="internal_error")}, "error"),
    ],
)
def test_level_follows_who_is_to_blame(changes: dict[str, Any], level: str) -> None:
    log = _log()
    log.call_finished(_event(**changes))
    assert _written(log)[0]["level"] == level


def test_secret_that_is_learnt_between_two_like_calls_is_in_no_line_after() -> None:
    log = _log()
    log.call_finished(_event(key_alias=SECRET, session_id=SECRET))
    log.secrets.add([Secret(SECRET)])
    log.call_finished(_event(key_alias=SECRET, session_id=SECRET))
    before, after = _written(log)
    assert (before["key_alias"], before["session_id"]) == (SECRET, SECRET)
    assert (after["key_alias"], after["session_id"]) == ("***", "***")


def test_what_is_kept_of_lines_has_a_bound() -> None:
    log = _log()
    for number in range(3000):
        log.call_finished(_event(model_asked=f"m{number}"))
    log.call_finished(_event(model_asked="m" * 100_000))
    assert len(log._steady) <= 1024
    assert sum(map(len, log._steady.values())) < 1024 * 2048
    assert [line["model_asked"] for line in _written(log)[:-1]] == [f"m{number}" for number in range(3000)]


def test_lines_are_written_once_and_in_one_piece() -> None:
    class Pieces(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.pieces: list[str] = []

        def write(self, text: str) -> int:
            self.pieces.append(text)
            return super().write(text)

    log = CallLog(KnownSecrets(), stream := Pieces())
    log.call_finished(_event(call_id="1"))
    log.call_finished(_event(call_id="2"))
    log.flush()
    log.flush()
    assert [piece.count("\n") for piece in stream.pieces] == [2]
    assert [line["call_id"] for line in _written(log)] == ["1", "2"]


def test_line_for_people_passes_the_chain_of_all_other_lines() -> None:
    log = CallLog(KnownSecrets(), None)
    with capture_logs() as lines:
        log.call_finished(_event(status="error", error=EventError(type="timeout", source="upstream")))
        log.flush()
    assert [(line["event"], line["log_level"], line["error_type"]) for line in lines] == [("call", "warning", "timeout")]


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log = call_log(KnownSecrets())
    log.call_finished(_event())
    assert capsys.readouterr().err == ""
    log.flush()
    assert json.loads(capsys.readouterr().err)["call_id"] == "1"
