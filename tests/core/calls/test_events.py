"""The event of a call."""

from tianji_core.calls.events import CallEvent


def test_call_went_upstream_when_an_attempt_was_sent() -> None:
    event = CallEvent(
        call_id="c",
        operation="chat",
        surface="openai_chat",
        route="/v1/chat/completions",
        model_asked="m",
        started_at_ns=0,
        ended_at_ns=1,
        status="ok",
        http_status=200,
    )
    assert not event.went_upstream
