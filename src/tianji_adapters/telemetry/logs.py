"""Logs on standard error: for people on a terminal, JSON lines otherwise. Every line passes the scrubber, tracebacks too."""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from structlog.typing import Processor

from tianji_core.calls.events import CallEvent
from tianji_core.calls.redaction import scrubber
from tianji_core.calls.secret import Secret

_QUIET = ("uvicorn.access", "httpx", "httpcore", "aiosqlite", "alembic", "sqlalchemy.engine", "h2", "hpack")


class KnownSecrets:
    """What no line may show. It only grows: a call that began before a key was replaced can still speak of it."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._texts: set[str] = set()
        self.add(secrets)

    def add(self, secrets: Iterable[Secret]) -> None:
        """Leave these out too, from the next line on."""
        self._texts.update(secret.reveal() for secret in secrets)
        self.scrub = scrubber(self._texts)


def set_up_logs(secrets: Iterable[Secret] = ()) -> KnownSecrets:
    """Send our own logs and those of every library through one chain; return where it learns of more secrets."""
    known = KnownSecrets(secrets)
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _scrubbing(known),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Processor = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(_json)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return known


def _scrubbing(known: KnownSecrets) -> Processor:
    def process(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001 - structlog's shape
        scrub = known.scrub
        for key, value in event.items():
            if not key.startswith("_"):
                event[key] = scrub.value(value)
        return event

    return process


def _json(value: Any, **options: Any) -> str:  # noqa: ARG001 - structlog's shape
    return msgspec.json.encode(value, enc_hook=str).decode()


@dataclass(frozen=True, slots=True)
class CallLog:
    """One line a call, metadata only."""

    logger: Any = field(default_factory=lambda: structlog.get_logger("tianji.call"))

    def call_finished(self, event: CallEvent) -> None:
        """Write the line; its level follows who is to blame."""
        fields = call_fields(event)
        if event.status in ("ok", "cancelled") or (event.error is not None and event.error.source == "client"):
            self.logger.info("call", **fields)
        elif event.error is not None and event.error.type == "internal_error":
            self.logger.error("call", **fields)
        else:
            self.logger.warning("call", **fields)


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


def _attempt(attempt: Any) -> dict[str, object]:
    return {
        "deployment_id": attempt.deployment_id,
        "outcome": attempt.outcome,
        "seconds": round((attempt.ended_at_ns - attempt.started_at_ns) / 1e9, 6),
        **({"error_type": attempt.error.type, "error_message": attempt.error.message} if attempt.error else {}),
    }


def _seconds(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else round((end - start) / 1e9, 6)
