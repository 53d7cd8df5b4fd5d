"""The log line of each call: JSON that is made in one piece, or, for people on a terminal, a line like every other.

Most of a line is the same from call to call; that part is encoded and searched for secrets once, and kept.
"""

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal, TextIO

import msgspec
import structlog

from tianji_adapters.telemetry.logs import KnownSecrets
from tianji_core.calls.events import Attempt, CallEvent
from tianji_core.calls.redaction import Scrubber

Level = Literal["info", "warning", "error"]

_LOGGER = "tianji.call"
_NUMBERS = b',"duration_seconds":'
_MOST_KEPT = 1024
_MOST_BYTES_KEPT = 2048
_STEADY = (
    "status",
    "http_status",
    "operation",
    "surface",
    "route",
    "stream",
    "model_asked",
    "model_group",
    "model",
    "model_response",
    "provider",
    "deployment_id",
    "server_address",
    "key_id",
    "key_hash",
    "key_alias",
    "user_id",
    "team_id",
    "end_user_id",
    "tags",
    "usage_source",
    "cost_source",
    "finish_reasons",
    "client_ip",
)
_steady_of = attrgetter(*(name if name != "cost_source" else "cost.source" for name in _STEADY))
_encode = msgspec.json.Encoder(enc_hook=str).encode


class _Passing(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """The fields of a line that differ from call to call, those of a failed one left out."""

    call_id: str
    client_call_id: str | None = None
    session_id: str | None = None
    response_id: str | None = None
    provider_request_id: str | None = None
    duration_seconds: float
    first_chunk_seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_nano: int
    timestamp: datetime


@dataclass(slots=True)
class CallLog:
    """One line a call, metadata only; its level follows who is to blame. Made by `call_log`.

    Attributes:
        stream: Where the lines go at the next `flush`; None where they pass the chain of all other lines, for people to read.
    """

    secrets: KnownSecrets
    stream: TextIO | None
    logger: Any = field(default_factory=lambda: structlog.get_logger(_LOGGER))
    _lines: list[bytes] = field(default_factory=list)
    _steady: dict[object, bytes] = field(default_factory=dict)
    _scrub: Scrubber | None = None

    def call_finished(self, event: CallEvent) -> None:
        """Make the line."""
        if self.stream is None:
            getattr(self.logger, level_of(event))("call", **call_fields(event))
        else:
            self._lines.append(self.line(event))

    def flush(self) -> None:
        """Write the lines that were made, in one piece."""
        if self.stream is not None and self._lines:
            lines, self._lines = self._lines, []
            self.stream.write(b"".join(lines).decode())
            self.stream.flush()

    def line(self, event: CallEvent) -> bytes:
        """Return the line as JSON, without secrets."""
        scrub = self.secrets.scrub
        if scrub is not self._scrub or len(self._steady) >= _MOST_KEPT:
            self._scrub = scrub
            self._steady.clear()
        place = (_steady_of(event), level_of(event))
        steady = self._steady.get(place)
        if steady is None:
            steady = _steady_part(event, scrub)
            if len(steady) <= _MOST_BYTES_KEPT:
                self._steady[place] = steady
        if _is_plain(event):
            passing = _plain_part(event)
            is_suspect = scrub.suspects(passing[: passing.index(_NUMBERS)].decode())
        else:
            is_suspect = True
        if is_suspect:
            passing = _any_part(event, scrub)
        return b"%b,%b\n" % (steady[:-1], passing[1:])


def call_log(secrets: KnownSecrets) -> CallLog:
    """Return the log of calls on standard error."""
    return CallLog(secrets, None if sys.stderr.isatty() else sys.stderr)


def level_of(event: CallEvent) -> Level:
    """Return the level of a call's line."""
    error = event.error
    if error is None:
        return "info" if event.status in ("ok", "cancelled") else "warning"
    if event.status in ("ok", "cancelled") or error.source == "client":
        return "info"
    return "error" if error.type == "internal_error" else "warning"


def _steady_part(event: CallEvent, scrub: Scrubber) -> bytes:
    fields = call_fields(event)
    steady = {"event": "call", "level": level_of(event), "logger": _LOGGER, **{name: fields[name] for name in _STEADY if name in fields}}
    return _encode({name: scrub.value(value) for name, value in steady.items()})


def _is_plain(event: CallEvent) -> bool:
    """Whether nothing is to be told of the call but what `_Passing` holds: texts first, then numbers, which hold no secret."""
    if event.error is not None or event.retries or event.fallbacks or event.dropped_params or len(event.attempts) > 1:
        return False
    basis = event.cost.basis
    return "unpriced" not in basis and "reported_usd" not in basis and "reported_ignored" not in basis


def _plain_part(event: CallEvent) -> bytes:
    usage = event.usage
    return _encode(
        _Passing(
            call_id=event.call_id,
            client_call_id=event.client_call_id,
            session_id=event.session_id,
            response_id=event.response_id,
            provider_request_id=event.provider_request_id,
            duration_seconds=round((event.ended_at_ns - event.started_at_ns) / 1e9, 6),
            first_chunk_seconds=_seconds(event.upstream_started_at_ns, event.first_chunk_at_ns),
            input_tokens=usage.input_total,
            output_tokens=usage.output_total,
            cache_read_tokens=usage.cache_read,
            reasoning_tokens=usage.reasoning,
            cost_nano=event.cost.total_nano,
            timestamp=_ended(event),
        )
    )


def _any_part(event: CallEvent, scrub: Scrubber) -> bytes:
    passing = {name: scrub.value(value) for name, value in call_fields(event).items() if name not in _STEADY}
    return _encode({**passing, "timestamp": _ended(event)})


def _ended(event: CallEvent) -> datetime:
    return datetime.fromtimestamp(event.ended_at_ns / 1e9, UTC)


def call_fields(event: CallEvent) -> dict[str, object]:
    """Return the fields of a call's line: absent ones are left out, times are seconds, money is nano-USD."""
    fields: dict[str, object] = {
        "call_id": event.call_id,
        "client_call_id": event.client_call_id,
        "session_id": event.session_id,
        "status": event.status,
        "http_status": event.http_status,
        "operation": event.operation,
        "surface": event.surface,
        "route": event.route,
        "stream": event.stream,
        "model_asked": event.model_asked,
        "model_group": event.model_group,
        "model": event.model,
        "model_response": event.model_response,
        "provider": event.provider,
        "deployment_id": event.deployment_id,
        "server_address": event.server_address,
        "response_id": event.response_id,
        "provider_request_id": event.provider_request_id,
        "key_id": event.key_id,
        "key_hash": event.key_hash[:8] if event.key_hash else None,
        "key_alias": event.key_alias,
        "user_id": event.user_id,
        "team_id": event.team_id,
        "end_user_id": event.end_user_id,
        "tags": list(event.tags) or None,
        "duration_seconds": round((event.ended_at_ns - event.started_at_ns) / 1e9, 6),
        "first_chunk_seconds": _seconds(event.upstream_started_at_ns, event.first_chunk_at_ns),
        "input_tokens": event.usage.input_total,
        "output_tokens": event.usage.output_total,
        "cache_read_tokens": event.usage.cache_read,
        "reasoning_tokens": event.usage.reasoning,
        "usage_source": event.usage_source,
        "cost_nano": event.cost.total_nano,
        "cost_source": event.cost.source if event.usage_source != "none" else None,
        **{name: event.cost.basis.get(name) for name in ("unpriced", "reported_usd", "reported_ignored")},
        "finish_reasons": list(event.finish_reasons) or None,
        "retries": event.retries or None,
        "fallbacks": event.fallbacks or None,
        "attempts": [_attempt(attempt) for attempt in event.attempts] if len(event.attempts) > 1 else None,
        "dropped_params": list(event.dropped_params) or None,
        "client_ip": event.client_ip,
    }
    if event.error is not None:
        fields["error_type"], fields["error_code"] = event.error.type, event.error.code
        fields["error_source"], fields["error_message"] = event.error.source, event.error.message
    return {name: value for name, value in fields.items() if value is not None}


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "deployment_id": attempt.deployment_id,
        "outcome": attempt.outcome,
        "seconds": round((attempt.ended_at_ns - attempt.started_at_ns) / 1e9, 6),
        **({"error_type": attempt.error.type, "error_message": attempt.error.message} if attempt.error else {}),
    }


def _seconds(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else round((end - start) / 1e9, 6)
