"""Taking out of a request what steers the gateway, so that it never goes up."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from tianji_core.calls.controls import CONTROL_FIELDS, CREDENTIAL_FIELDS, Controls
from tianji_core.calls.http import Headers
from tianji_core.errors import InvalidRequestError
from tianji_core.wire.fields import Fields

T = TypeVar("T")
_UNBUILT = ("guardrails", "policies", "prompt_id")


def take_controls(body: Fields, headers: Headers) -> Controls:
    """Take the control fields out of a body; the `x-tianji-*` headers (and their `x-litellm-*` twins) stand behind them.

    Raises:
        InvalidRequestError: a control has the wrong type, a header pair contradicts itself, or a protection that is asked for is not built.
    """
    metadata = body.values.get("metadata")
    attribution = {**_mapping(metadata), **(body.mapping("litellm_metadata") or {})}
    _refuse(body)
    controls = Controls(
        num_retries=_first(body.integer("num_retries"), _integer(headers, "num-retries")),
        timeout_seconds=_first(_seconds(body, "timeout"), _header_seconds(headers, "timeout")),
        stream_timeout_seconds=_first(_seconds(body, "stream_timeout"), _header_seconds(headers, "stream-timeout")),
        fallbacks=_groups(body, "fallbacks"),
        context_window_fallbacks=_groups(body, "context_window_fallbacks"),
        content_policy_fallbacks=_groups(body, "content_policy_fallbacks"),
        disable_fallbacks=body.boolean("disable_fallbacks") or False,
        drop_params=body.boolean("drop_params"),
        dropped_parameters=frozenset(body.texts("additional_drop_params")),
        allowed_parameters=frozenset(body.texts("allowed_openai_params")),
        tags=_tags(body, attribution, headers),
        session_id=_first(body.text("litellm_session_id"), _text(attribution.get("session_id")), gateway_header(headers, "session-id")),
        trace_id=_first(body.text("litellm_trace_id"), _text(attribution.get("trace_id")), gateway_header(headers, "trace-id")),
        metadata=attribution,
        client_credentials={name: body.values.pop(name) for name in CREDENTIAL_FIELDS if body.values.get(name) is not None},
    )
    for name in CONTROL_FIELDS | CREDENTIAL_FIELDS:
        body.values.pop(name, None)
    return controls


def gateway_header(headers: Headers, name: str) -> str | None:
    """Return a request header of ours in either spelling.

    Raises:
        InvalidRequestError: both spellings are there and differ.
    """
    ours = next((value for key, value in headers if key == f"x-tianji-{name}"), None)
    twin = next((value for key, value in headers if key == f"x-litellm-{name}"), None)
    if ours is not None and twin is not None and ours != twin:
        raise InvalidRequestError(f"the headers x-tianji-{name} and x-litellm-{name} are both sent and differ", param=f"x-tianji-{name}")
    return ours if ours is not None else twin


def header_timeout(headers: Headers) -> float | None:
    """Return for how many seconds the caller waits, as far as a header says it: all that is known before the body is read.

    Raises:
        InvalidRequestError: it is no number of seconds, or a header pair contradicts itself.
    """
    return _header_seconds(headers, "timeout")


def _refuse(body: Fields) -> None:
    if body.values.get("mock_response") is not None:
        raise InvalidRequestError("`mock_response` is not accepted in a request", param="mock_response")
    for name in _UNBUILT:
        if body.values.get(name):
            raise InvalidRequestError(f"`{name}` is not supported by this version of the gateway", param=name, code="unsupported_parameter")


def _groups(body: Fields, name: str) -> tuple[str, ...] | None:
    if body.values.get(name) is None:
        return None
    return body.texts(name)


def _seconds(body: Fields, name: str) -> float | None:
    value = body.number(name)
    if value is None:
        return None
    if value <= 0:
        raise body.invalid(name, "expected a number of seconds above 0")
    return float(value)


def _header_seconds(headers: Headers, name: str) -> float | None:
    text = gateway_header(headers, name)
    if text is None:
        return None
    try:
        seconds = Decimal(text.strip())
    except ArithmeticError:
        seconds = Decimal(0)
    if not seconds.is_finite() or seconds <= 0:
        raise InvalidRequestError(f"the header x-tianji-{name} must be a number of seconds above 0", param=f"x-tianji-{name}")
    return float(seconds)


def _integer(headers: Headers, name: str) -> int | None:
    text = gateway_header(headers, name)
    if text is None:
        return None
    if not text.strip().isdecimal() or len(text) > 6:
        raise InvalidRequestError(f"the header x-tianji-{name} must be a whole number", param=f"x-tianji-{name}")
    return int(text)


def _tags(body: Fields, attribution: Mapping[str, object], headers: Headers) -> tuple[str, ...]:
    given = body.texts("tags")
    listed = attribution.get("tags")
    if not given and isinstance(listed, list):
        given = tuple(tag for tag in listed if isinstance(tag, str))
    text = gateway_header(headers, "tags")
    if not given and text:
        given = tuple(tag.strip() for tag in text.split(",") if tag.strip())
    return tuple(dict.fromkeys(given))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)
