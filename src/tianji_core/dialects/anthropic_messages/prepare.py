"""A request before it is encoded: what is listed as dropped is gone, what the operator configured stands where the caller said nothing.

The lists and the configuration use OpenAI's names, which mean fields with other names here.
"""

from collections.abc import Callable

import msgspec

from tianji_core.calls.chat import ChatRequest, Json, Reasoning, Rest
from tianji_core.dialects.anthropic_messages.parts import DIALECT, rest_of
from tianji_core.translation.parameters import Dropping

CANONICAL_NAMES: dict[str, tuple[str, object]] = {
    "tools": ("tools", ()),
    "functions": ("tools", ()),
    "tool_choice": ("tool_choice", None),
    "function_call": ("tool_choice", None),
    "parallel_tool_calls": ("parallel_tool_calls", None),
    "max_tokens": ("max_output_tokens", None),
    "max_completion_tokens": ("max_output_tokens", None),
    "stop": ("stop", ()),
    "response_format": ("response_format", None),
    "reasoning_effort": ("reasoning", None),
    "user": ("end_user", None),
}
"""OpenAI's name of a parameter → the canonical field, and what that holds when the parameter is absent."""


def prepare(request: ChatRequest, dropping: Dropping) -> tuple[ChatRequest, Json]:
    """Return the request to encode, and what of the operator's `extra_body` is left to be merged as it is."""
    request = _without_dropped(_with_own_words(request), dropping)
    configured = dict(dropping.deployment.extra_body)
    changes: dict[str, object] = {}
    for name, (field, read) in CONFIGURED.items():
        if name not in configured:
            continue
        value = read(configured[name])
        if value is None:
            continue
        del configured[name]
        if not getattr(request, field):
            changes[field] = value
    return (msgspec.structs.replace(request, **changes) if changes else request), configured


def _without_dropped(request: ChatRequest, dropping: Dropping) -> ChatRequest:
    """Leave out what operator or caller listed by OpenAI's names, before it becomes something that is called otherwise here."""
    changes: dict[str, object] = {}
    for name in sorted(dropping.deployment.dropped_parameters):
        if name in CANONICAL_NAMES:
            field, nothing = CANONICAL_NAMES[name]
            if getattr(request, field) != nothing and dropping.keep(name) is False:
                changes[field] = nothing
    kept = {name: value for name, value in request.parameters.items() if dropping.keep(name)}
    return msgspec.structs.replace(request, parameters=kept, **changes)


def _with_own_words(request: ChatRequest) -> ChatRequest:
    """Read Anthropic's `thinking` and `top_k` where a client of another dialect sent them as extra fields."""
    if request.rest is None or request.dialect == DIALECT:
        return request
    left = dict(request.rest.fields)
    changes: dict[str, object] = {}
    reasoning = _thinking(left.get("thinking"))
    if reasoning is not None:
        del left["thinking"]
        effort = request.reasoning.effort if request.reasoning is not None else None
        changes["reasoning"] = msgspec.structs.replace(reasoning, effort=effort)
    if isinstance(left.get("top_k"), int):
        changes["parameters"] = {**request.parameters, "top_k": left.pop("top_k")}
    if not changes:
        return request
    return msgspec.structs.replace(request, rest=Rest(request.rest.dialect, left) if left else None, **changes)


def _thinking(value: object) -> Reasoning | None:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return None
    budget = value.get("budget_tokens")
    left = {name: item for name, item in value.items() if name not in ("type", "budget_tokens")}
    return Reasoning(mode=value["type"], budget_tokens=budget if isinstance(budget, int) else None, rest=rest_of(left))


def _effort(value: object) -> Reasoning | None:
    return Reasoning(effort=value) if isinstance(value, str) else None


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _stop(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list) else None


CONFIGURED: dict[str, tuple[str, Callable[[object], object]]] = {
    "max_completion_tokens": ("max_output_tokens", _tokens),
    "max_tokens": ("max_output_tokens", _tokens),
    "stop": ("stop", _stop),
    "thinking": ("reasoning", _thinking),
    "reasoning_effort": ("reasoning", _effort),
}
"""Names under which the operator's `extra_body` may hold what a request says in a field of its own → that field, and how it is read."""
