"""A canonical chat request as an OpenAI-compatible server takes it.

Sources: OpenAI's Python SDK for the fields; OpenAI's model pages for what its reasoning models refuse.
"""

import re
from decimal import Decimal

from tianji_core.calls.chat import ChatRequest, Json, Reasoning
from tianji_core.calls.deployment import Deployment
from tianji_core.dialects.openai_chat.messages import encode_messages
from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_chat.tools import encode_response_format, encode_tool, encode_tool_choice
from tianji_core.translation.parameters import Dropping

_REASONING_MODEL = re.compile(r"(o\d|gpt-([5-9]|\d{2,}))(?!.*chat)")
_VERSIONED = re.compile(r"gpt-(\d+)(?:\.(\d+))?")
SAMPLING = ("top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias")


def encode_body(request: ChatRequest, deployment: Deployment, quirks: Quirks, dropping: Dropping) -> dict[str, object]:
    """Return the JSON body; what it leaves out is named in `dropping`.

    Raises:
        UnsupportedParameterError: a parameter cannot be expressed and the deployment's mode is `refuse`.
    """
    body: dict[str, object] = {"model": deployment.model, "messages": encode_messages(request.messages, quirks)}
    body.update(_plain_parameters(request, quirks, deployment, dropping))
    _put_tokens(body, request, deployment, quirks)
    _put_tools(body, request, quirks, dropping)
    _put_format(body, request, quirks, deployment, dropping)
    if request.stop:
        body["stop"] = list(request.stop)
    if request.end_user is not None:
        body["user"] = request.end_user
    _put_reasoning(body, request, deployment, quirks, dropping)
    if is_reasoning_model(deployment, quirks):
        fit_reasoning_model(body, deployment, dropping)
    if quirks.max_temperature is not None and "temperature" in body:
        body["temperature"] = min(_number(body["temperature"]), Decimal(quirks.max_temperature))
    body = {**deployment.extra_body, **without_refused(body, deployment, quirks, dropping), **_unknown(request, dropping)}
    return finish_body(body, request.extra_body, deployment, quirks, dropping, stream=request.stream)


def finish_body(
    body: dict[str, object], extra_body: Json, deployment: Deployment, quirks: Quirks, dropping: Dropping, *, stream: bool
) -> dict[str, object]:
    """Return the body as it is sent: with what asks for a stream, without what is listed as dropped, under the server's names."""
    _put_stream(body, quirks, stream=stream)
    if quirks.forces_store_false:
        body["store"] = False
    if deployment.dropped_parameters:
        body = dropping.without(body, deployment.dropped_parameters)
    if quirks.renames:
        body = {quirks.renames.get(name, name): value for name, value in body.items()}
    return {**body, **extra_body} if extra_body else body


def without_refused(body: dict[str, object], deployment: Deployment, quirks: Quirks, dropping: Dropping) -> dict[str, object]:
    """Return the body without what the server refuses or may refuse, save what the operator says that it takes.

    Raises:
        UnsupportedParameterError: it refuses a parameter and the deployment's mode is `refuse`.
    """
    kept = {}
    for name, value in body.items():
        if name in deployment.allowed_parameters or (name == "n" and value == 1):
            kept[name] = value
        elif name in quirks.ignored:
            dropping.note(name)
        elif name in quirks.unsupported or (name in quirks.unconfirmed and deployment.parameter_mode == "drop"):
            dropping.unsupported(name, value)
        else:
            kept[name] = value
    return kept


def _plain_parameters(request: ChatRequest, quirks: Quirks, deployment: Deployment, dropping: Dropping) -> dict[str, object]:
    body: dict[str, object] = {}
    for name, value in request.parameters.items():
        if name == "metadata" and not _may_send_metadata(request, value):
            continue
        if name == "top_k" and quirks.openai_models:
            dropping.note(name)
        elif name == "n" and quirks.single_choice and value != 1 and name not in deployment.allowed_parameters:
            dropping.unsupported(name, value)
        elif request.dialect != DIALECT and name in ("metadata", "service_tier"):
            dropping.note(name)
        else:
            body[name] = value
    return body


def _may_send_metadata(request: ChatRequest, value: object) -> bool:
    """OpenAI keeps metadata with stored completions only, and takes strings only."""
    return (
        request.dialect == DIALECT
        and request.parameters.get("store") is True
        and isinstance(value, dict)
        and all(isinstance(item, str) for item in value.values())
    )


def _put_tokens(body: dict[str, object], request: ChatRequest, deployment: Deployment, quirks: Quirks) -> None:
    if request.max_output_tokens is None:
        return
    if is_reasoning_model(deployment, quirks):
        field = "max_completion_tokens"
    else:
        field = quirks.max_tokens_field or request.max_output_tokens_field or "max_tokens"
    body[field] = request.max_output_tokens


def _put_tools(body: dict[str, object], request: ChatRequest, quirks: Quirks, dropping: Dropping) -> None:
    tools = []
    for tool in request.tools:
        encoded = encode_tool(tool, quirks)
        if encoded is None:
            dropping.unsupported("tools", tool, "a tool that only another provider runs")
        else:
            tools.append(encoded)
    if not tools:
        return
    body["tools"] = tools
    if request.tool_choice is not None:
        choice = encode_tool_choice(request.tool_choice)
        if choice is None:
            dropping.unsupported("tool_choice", request.tool_choice)
        else:
            body["tool_choice"] = quirks.required_choice if choice == "required" else choice
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _put_format(body: dict[str, object], request: ChatRequest, quirks: Quirks, deployment: Deployment, dropping: Dropping) -> None:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return
    if wanted.kind == "json_schema" and quirks.no_json_schema and "response_format" not in deployment.allowed_parameters:
        dropping.unsupported("response_format", wanted, "it takes `json_object`, no schema")
    else:
        body["response_format"] = encode_response_format(wanted)


def _put_reasoning(body: dict[str, object], request: ChatRequest, deployment: Deployment, quirks: Quirks, dropping: Dropping) -> None:
    effort = effort_of(request.reasoning)
    if quirks.thinking_switch and request.reasoning is not None and dropping.keep("reasoning_effort"):
        thinks = effort not in (None, "none")
        body["thinking"] = {"type": "enabled" if thinks else "disabled"}
        effort = effort if thinks else None
    if effort is None:
        return
    if (quirks.openai_models and "tools" in body and refuses_effort_with_tools(deployment)) or (
        quirks.openai_models and request.dialect != DIALECT and not _REASONING_MODEL.match(_bare(deployment.model))
    ):
        dropping.note("reasoning_effort")
    else:
        body["reasoning_effort"] = effort


def effort_of(reasoning: Reasoning | None) -> str | None:
    """Return OpenAI's effort for a reasoning wish of either kind; None leaves it to the model."""
    if reasoning is None:
        return None
    if reasoning.mode == "disabled":
        return None
    if reasoning.effort is not None:
        return reasoning.effort
    if reasoning.mode == "enabled" and reasoning.budget_tokens is not None:
        for least, effort in ((4096, "high"), (2048, "medium"), (1024, "low")):
            if reasoning.budget_tokens >= least:
                return effort
        return "minimal"
    return "medium" if reasoning.mode in ("adaptive", "between_tools") else None


def is_reasoning_model(deployment: Deployment, quirks: Quirks) -> bool:
    """Whether OpenAI's own rules for its reasoning models apply."""
    return quirks.openai_models and _REASONING_MODEL.match(_bare(deployment.model)) is not None


def refuses_effort_with_tools(deployment: Deployment) -> bool:
    """From gpt-5.4 on, OpenAI's chat route refuses function tools together with `reasoning_effort`."""
    found = _VERSIONED.match(_bare(deployment.model))
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (5, 4)


def fit_reasoning_model(body: dict[str, object], deployment: Deployment, dropping: Dropping) -> None:
    """Take out of the body what OpenAI's reasoning models do not take.

    Raises:
        UnsupportedParameterError: the deployment's mode is `refuse`.
    """
    if body.get("reasoning_effort") == "none":  # then the sampling parameters are allowed
        return
    if "temperature" in body and body["temperature"] != 1:
        dropping.unsupported("temperature", body.pop("temperature"), "this model only takes the default")
    for name in SAMPLING:
        if name in body and name not in deployment.allowed_parameters:
            dropping.unsupported(name, body.pop(name), "this model does not take sampling parameters")


def _unknown(request: ChatRequest, dropping: Dropping) -> Json:
    """Fields the surface does not know: verbatim from this dialect, dropped from another."""
    if request.rest is None:
        return {}
    if request.rest.dialect in (DIALECT, "openai_completions"):
        return request.rest.fields
    for name in request.rest.fields:
        dropping.note(name)
    return {}


def _put_stream(body: dict[str, object], quirks: Quirks, *, stream: bool) -> None:
    options = body.pop("stream_options", None)
    if not stream:
        return
    body["stream"] = True
    if not quirks.no_stream_options:
        body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}


def _bare(model: str) -> str:
    return model.rpartition("/")[2].removeprefix("ft:")


def _number(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
