"""The headers that every answer carries: `x-tianji-*`, their `x-litellm-*` twins, and the surface's own request id."""

from decimal import Decimal

from tianji_core.calls.events import CallEvent
from tianji_core.calls.http import Headers

_ONLY_OURS = frozenset({"dropped-params", "warning", "model-name"})


def answer_headers(event: CallEvent, *, envelope: str, length: int | None, twins: bool) -> Headers:
    """Return the headers of an answer. `length` is that of a whole answer, whose cost is known before its first byte, else None."""
    whole = length is not None
    values: dict[str, str | None] = {
        "call-id": event.call_id,
        "model-id": event.deployment_id,
        "model-group": event.model_group,
        "attempted-retries": str(event.retries),
        "attempted-fallbacks": str(event.fallbacks),
        "response-cost": usd(event.cost.total_nano) if whole else None,
        "cache-hit": "true" if event.cache_hit else None,
        "model-name": event.model,
        "dropped-params": ",".join(event.dropped_params) or None,
        "warning": "; ".join(event.warnings) or None,
    }
    headers: list[tuple[str, str]] = [
        ("content-type", "application/json" if whole else "text/event-stream; charset=utf-8"),
        ("request-id" if envelope == "anthropic" else "x-request-id", event.call_id),
    ]
    headers.append(("cache-control", "no-cache") if length is None else ("content-length", str(length)))
    for name, value in values.items():
        if value is None:
            continue
        headers.append((f"x-tianji-{name}", _safe(value)))
        if twins and name not in _ONLY_OURS:
            headers.append((f"x-litellm-{name}", _safe(value)))
    return tuple(headers)


def usd(nano: int) -> str:
    """Return nano-USD as plain decimal text."""
    return format(Decimal(nano).scaleb(-9).normalize(), "f") if nano else "0.0"


def _safe(value: str) -> str:
    """Return a header value: what is not printable Latin-1 is percent-encoded as UTF-8 (RFC 3986)."""
    return "".join(
        letter if " " <= letter <= "~" or "\xa0" <= letter <= "\xff" else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in value
    )
