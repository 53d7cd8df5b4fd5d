"""The headers that every answer carries: `x-tianji-*`, their `x-litellm-*` twins, and the surface's own request id."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from tianji_core.calls.events import CallEvent
from tianji_core.calls.http import Headers

HeaderSet = Literal["none", "basic", "full"]
"""How much an answer tells of the call: nothing but its id; what clients count on; everything that is known."""

_ONLY_OURS = frozenset({"dropped-params", "warning", "model-name"})
_NS_PER_MS = 1_000_000


class AnswerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the event of a call does not tell.

    Attributes:
        key_spend_nano: What the key has spent, the call included where its cost is known; None where nobody knows.
        api_base: Of the deployment, if it has one of its own.
        version: Of the gateway.
    """

    key_spend_nano: int | None = None
    api_base: str | None = None
    version: str | None = None


_NO_FACTS = AnswerFacts()


def answer_headers(
    event: CallEvent, *, envelope: str, length: int | None, twins: bool, facts: AnswerFacts = _NO_FACTS, names: HeaderSet = "basic"
) -> Headers:
    """Return the headers of an answer. `length` is that of a whole answer, whose cost is known before its first byte, else None."""
    whole = length is not None
    headers: list[tuple[str, str]] = [
        ("content-type", "application/json" if whole else "text/event-stream; charset=utf-8"),
        ("request-id" if envelope == "anthropic" else "x-request-id", event.call_id),
    ]
    headers.append(("cache-control", "no-cache") if length is None else ("content-length", str(length)))
    values = {} if names == "none" else _basic(event, facts, whole=whole)
    if names == "full":
        values |= _rest(event, facts, whole=whole)
    for name, value in values.items():
        if value is None:
            continue
        headers.append((f"x-tianji-{name}", _safe(value)))
        if twins and name not in _ONLY_OURS:
            headers.append((f"x-litellm-{name}", _safe(value)))
    return tuple(headers)


def _basic(event: CallEvent, facts: AnswerFacts, *, whole: bool) -> dict[str, str | None]:
    return {
        "call-id": event.call_id,
        "model-id": event.deployment_id,
        "model-group": event.model_group,
        "attempted-retries": str(event.retries),
        "attempted-fallbacks": str(event.fallbacks),
        "response-cost": usd(event.cost.total_nano) if whole else None,
        "key-spend": None if facts.key_spend_nano is None else usd(facts.key_spend_nano),
        "cache-hit": "true" if event.cache_hit else None,
        "model-name": event.model,
        "dropped-params": ",".join(event.dropped_params) or None,
        "warning": "; ".join(event.warnings) or None,
    }


def _rest(event: CallEvent, facts: AnswerFacts, *, whole: bool) -> Mapping[str, str | None]:
    """Return what the full set has beyond the basic one; amounts and durations are those of a whole answer."""
    told: dict[str, str | None] = {"version": facts.version, "model-api-base": _without_secrets(facts.api_base)}
    if not whole:
        return told
    cost = event.cost
    amounts = {
        "input": cost.input_nano,
        "output": cost.output_nano,
        "reasoning": cost.reasoning_nano,
        "cache-read": cost.cache_read_nano,
        "cache-creation": cost.cache_write_nano,
        "tool-usage": cost.tools_nano,
        "original": cost.list_nano,
    }
    duration_ns = event.ended_at_ns - event.started_at_ns
    upstream_ns = sum(attempt.ended_at_ns - attempt.started_at_ns for attempt in event.attempts)
    return {
        **told,
        **{f"response-cost-{name}": usd(nano) for name, nano in amounts.items() if nano},
        "response-duration-ms": _milliseconds(duration_ns),
        "overhead-duration-ms": _milliseconds(max(duration_ns - upstream_ns, 0)),
    }


def _milliseconds(ns: int) -> str:
    return f"{ns / _NS_PER_MS:.3f}"


def _without_secrets(url: str | None) -> str | None:
    """Return scheme, host and path: user, password and query can be credentials."""
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def usd(nano: int) -> str:
    """Return nano-USD as plain decimal text."""
    return format(Decimal(nano).scaleb(-9).normalize(), "f") if nano else "0.0"


def _safe(value: str) -> str:
    """Return a header value: what is not printable Latin-1 is percent-encoded as UTF-8 (RFC 3986)."""
    return "".join(
        letter if " " <= letter <= "~" or "\xa0" <= letter <= "\xff" else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in value
    )
