"""The headers that every answer carries: `x-tianji-*`, their `x-litellm-*` twins, and the surface's own request id."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from tianji_core.calls.cost import Cost
from tianji_core.calls.events import Attempt
from tianji_core.calls.http import Headers

HeaderSet = Literal["none", "basic", "full"]
"""How much an answer tells of the call: nothing but its id; what clients count on; everything that is known."""

_ONLY_OURS = frozenset({"dropped-params", "warning", "model-name"})
_AMOUNTS = {
    "input": "input_nano",
    "output": "output_nano",
    "reasoning": "reasoning_nano",
    "cache-read": "cache_read_nano",
    "cache-creation": "cache_write_nano",
    "tool-usage": "tools_nano",
    "original": "list_nano",
}
_NS_PER_MS = 1_000_000
_NANO = 1_000_000_000


def _both(name: str) -> tuple[str, str | None]:
    """Return the header of ours and its twin, if it has one."""
    return f"x-tianji-{name}", None if name in _ONLY_OURS else f"x-litellm-{name}"


_BASIC = tuple(
    _both(name)
    for name in (
        "call-id",
        "model-id",
        "model-group",
        "attempted-retries",
        "attempted-fallbacks",
        "response-cost",
        "key-spend",
        "cache-hit",
        "model-name",
        "dropped-params",
        "warning",
    )
)


class AnswerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers of an answer tell.

    Attributes:
        model: What was sent upstream.
        cost: Of a whole answer; of a stream it is not known yet.
        key_spend_nano: What the key has spent, the call included where its cost is known; None where nobody knows.
        ended_at_ns: When the answer was whole.
        api_base: Of the deployment, if it has one of its own.
        version: Of the gateway.
    """

    call_id: str
    deployment_id: str | None = None
    model_group: str | None = None
    model: str | None = None
    retries: int = 0
    fallbacks: int = 0
    cost: Cost | None = None
    key_spend_nano: int | None = None
    cache_hit: bool = False
    dropped_params: Sequence[str] = ()
    warnings: Sequence[str] = ()
    started_at_ns: int = 0
    ended_at_ns: int = 0
    attempts: Sequence[Attempt] = ()
    api_base: str | None = None
    version: str | None = None


def answer_headers(facts: AnswerFacts, *, envelope: str, length: int | None, twins: bool, names: HeaderSet = "basic") -> Headers:
    """Return the headers of an answer. `length` is that of a whole answer, whose cost is known before its first byte, else None."""
    whole = length is not None
    headers: list[tuple[str, str]] = [
        ("content-type", "application/json" if whole else "text/event-stream; charset=utf-8"),
        ("request-id" if envelope == "anthropic" else "x-request-id", facts.call_id),
        ("cache-control", "no-cache") if length is None else ("content-length", str(length)),
    ]
    if names != "none":
        _put(headers, zip(_BASIC, _basic(facts, whole=whole), strict=True), twins=twins)
    if names == "full":
        _put(headers, ((_both(name), value) for name, value in _rest(facts, whole=whole).items()), twins=twins)
    return tuple(headers)


def _put(headers: list[tuple[str, str]], told: Iterable[tuple[tuple[str, str | None], str | None]], *, twins: bool) -> None:
    for (ours, twin), value in told:
        if value is None:
            continue
        safe = value if value.isascii() and value.isprintable() else _escaped(value)
        headers.append((ours, safe))
        if twins and twin is not None:
            headers.append((twin, safe))


def _basic(facts: AnswerFacts, *, whole: bool) -> tuple[str | None, ...]:
    """Return the values of the headers `_BASIC`."""
    return (
        facts.call_id,
        facts.deployment_id,
        facts.model_group,
        str(facts.retries),
        str(facts.fallbacks),
        usd(facts.cost.total_nano) if whole and facts.cost is not None else None,
        None if facts.key_spend_nano is None else usd(facts.key_spend_nano),
        "true" if facts.cache_hit else None,
        facts.model,
        ",".join(facts.dropped_params) or None,
        "; ".join(facts.warnings) or None,
    )


def _rest(facts: AnswerFacts, *, whole: bool) -> Mapping[str, str | None]:
    """Return what the full set has beyond the basic one; amounts and durations are those of a whole answer."""
    told: dict[str, str | None] = {"version": facts.version, "model-api-base": _without_secrets(facts.api_base)}
    if not whole:
        return told
    duration_ns = facts.ended_at_ns - facts.started_at_ns
    upstream_ns = sum(attempt.ended_at_ns - attempt.started_at_ns for attempt in facts.attempts)
    return {
        **told,
        **{f"response-cost-{name}": usd(nano) for name, part in _AMOUNTS.items() if (nano := getattr(facts.cost, part))},
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
    if not nano:
        return "0.0"
    whole, part = divmod(abs(nano), _NANO)
    text = f"{whole}.{part:09d}".rstrip("0") if part else str(whole)
    return text if nano > 0 else f"-{text}"


def _escaped(value: str) -> str:
    """Return a header value: what is not printable Latin-1 is percent-encoded as UTF-8 (RFC 3986)."""
    return "".join(
        letter if " " <= letter <= "~" or "\xa0" <= letter <= "\xff" else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in value
    )
