"""A client's own chat body as an OpenAI-compatible server takes it: top-level fields are replaced or left out, the rest keeps its bytes.

What `encode` decides by a value is decided here by the same functions.
"""

from tianji_core.calls.deployment import Deployment
from tianji_core.dialects.openai_chat.encode import (
    SAMPLING,
    finish_body,
    fit_reasoning_model,
    is_reasoning_model,
    refuses_effort_with_tools,
    without_refused,
)
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.undecoded import Body, History, Known, SchemaFormat, TextFormat
from tianji_core.shapes.raw_requests import RawRequest
from tianji_core.translation.parameters import Dropping

_STREAM = ("stream", "stream_options", "extra_body")
_CHECKED = frozenset(Body.__struct_fields__) - set(_STREAM)
_COMPARED = ("n", "parallel_tool_calls", "temperature")
"""Parameters of which a certain value may be left out silently."""


def encode_undecoded(raw: RawRequest, deployment: Deployment, quirks: Quirks, dropping: Dropping) -> dict[str, object] | None:
    """Return the JSON body; None where the server takes something inside of a value otherwise than the client wrote it.

    Raises:
        UnsupportedParameterError: a parameter cannot be expressed and the deployment's mode is `refuse`.
    """
    known: Known = raw.known
    given = known.body
    if not _takes_messages(known.history, quirks) or not _takes_values(given, quirks):
        return None
    body: dict[str, object] = {**raw.fields, "model": deployment.model}
    is_reasoning = is_reasoning_model(deployment, quirks)
    _fit_tokens(body, quirks.max_tokens_field, is_reasoning=is_reasoning)
    _fit_few(body, given)
    if "reasoning_effort" in body and quirks.openai_models and given.tools and refuses_effort_with_tools(deployment):
        dropping.note("reasoning_effort")
        del body["reasoning_effort"]
    if is_reasoning:
        _fit_sampling(body, given, deployment, dropping)
    if quirks.ignored or quirks.unsupported or quirks.unconfirmed:
        _leave_out(body, given, deployment, quirks, dropping)
    if deployment.extra_body:
        body = {**deployment.extra_body, **body}
    return finish_body(body, raw.extra_body, deployment, quirks, dropping, stream=raw.stream)


def _takes_messages(history: History, quirks: Quirks) -> bool:
    return not (
        (history.has_lists and quirks.flatten != "never")
        or (history.has_names and quirks.drops_name)
        or (history.has_developer and quirks.developer_role != "developer")
        or (history.has_calls and (quirks.tool_call_ids != "openai" or quirks.replays_reasoning))
    )


def _takes_values(given: Body, quirks: Quirks) -> bool:
    return not bool(
        (given.tools and (quirks.drops_tool_fields or quirks.drops_schema_keywords))
        or (given.tool_choice == "required" and quirks.required_choice != "required")
        or (isinstance(given.response_format, SchemaFormat) and quirks.no_json_schema)
        or (given.reasoning_effort is not None and quirks.thinking_switch)
        or (given.temperature is not None and quirks.max_temperature is not None)
        or (given.n is not None and quirks.single_choice)
    )


def _fit_tokens(body: dict[str, object], only_name: str | None, *, is_reasoning: bool) -> None:
    """Put the output limit under the one name that the server knows; where both names were used, the newer one counts."""
    older, newer = body.get("max_tokens"), body.get("max_completion_tokens")
    if older is None and newer is None:
        return
    used = "max_tokens" if newer is None else "max_completion_tokens"
    wanted = "max_completion_tokens" if is_reasoning else only_name or used
    if wanted == used and (older is None or newer is None):
        return
    body.pop("max_tokens", None)
    body.pop("max_completion_tokens", None)
    body[wanted] = older if newer is None else newer


def _fit_few(body: dict[str, object], given: Body) -> None:
    """Fit what the canonical path writes in one way of several, or not at all."""
    if given.stream is not None:
        del body["stream"]
    if given.stream_options is not None:
        options = {name: value for name, value in given.stream_options.items() if name != "include_usage"}
        body.pop("stream_options")
        if options:
            body["stream_options"] = options
    if not given.tools:
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            body.pop(name, None)
    if isinstance(given.response_format, TextFormat):
        del body["response_format"]
    if isinstance(given.stop, str):
        body["stop"] = [given.stop]
    if given.stop is not None and not given.stop:
        del body["stop"]
    if given.metadata is not None and not (given.store is True and all(_is_string(value) for value in given.metadata.values())):
        del body["metadata"]


def _is_string(value: object) -> bool:
    return bytes(value).startswith(b'"')  # type: ignore[call-overload,no-any-return]


def _fit_sampling(body: dict[str, object], given: Body, deployment: Deployment, dropping: Dropping) -> None:
    view = {name: getattr(given, name) for name in ("reasoning_effort", "temperature", *SAMPLING) if name in body}
    before = tuple(view)
    fit_reasoning_model(view, deployment, dropping)
    _remove(body, before, view)


def _leave_out(body: dict[str, object], given: Body, deployment: Deployment, quirks: Quirks, dropping: Dropping) -> None:
    view = {name: getattr(given, name) if name in _COMPARED else value for name, value in body.items() if name in _CHECKED}
    _remove(body, tuple(view), without_refused(view, deployment, quirks, dropping))


def _remove(body: dict[str, object], before: tuple[str, ...], after: dict[str, object]) -> None:
    for name in before:
        if name not in after:
            del body[name]
