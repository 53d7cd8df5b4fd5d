"""Logs on standard error: for people on a terminal, JSON lines otherwise. Every line passes the scrubber, tracebacks too."""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import msgspec
import structlog
from structlog.typing import Processor

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
