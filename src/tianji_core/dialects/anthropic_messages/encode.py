"""A canonical chat request as Anthropic takes it.

Sources: Anthropic's Python SDK, `MessageCreateParams`; its pages on API versions, structured outputs, tool use and web search.
"""

from collections.abc import Mapping

import msgspec

from tianji_core.calls.chat import ChatRequest, Json, ToolChoice
from tianji_core.calls.deployment import Deployment
from tianji_core.dialects.anthropic_messages.blocks import Encoding
from tianji_core.dialects.anthropic_messages.generations import Generation, generation_of
from tianji_core.dialects.anthropic_messages.history import encode_history
from tianji_core.dialects.anthropic_messages.parameters import put_parameters, put_sampling, web_search
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.prepare import CANONICAL_NAMES, prepare
from tianji_core.dialects.anthropic_messages.thinking import Plan, plan_thinking
from tianji_core.dialects.anthropic_messages.tools import encode_tool, encode_tool_choice, is_forced
from tianji_core.translation.parameters import Dropping
from tianji_core.translation.structured_output import JSON_TOOL, fit_schema, tool_schema
from tianji_core.translation.tool_names import ToolNames, names_used


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON body, and what decoding the answer needs to know about it."""

    fields: dict[str, object]
    names: Mapping[str, str]
    json_tool: bool = False


def encode_body(request: ChatRequest, deployment: Deployment, dropping: Dropping, *, version: str) -> Body:
    """Return the body of a request; what it leaves out is named in `dropping`. `version` is the `anthropic-version` that is sent.

    Raises:
        UnsupportedParameterError: a parameter cannot be expressed and the deployment's mode is `refuse`.
        InvalidRequestError: a part of a message cannot be read.
    """
    own = request.dialect == DIALECT
    request, configured = prepare(request, dropping)
    generation = generation_of(deployment)
    called = [call.name for message in request.messages for call in message.tool_calls]
    names = ToolNames() if own else ToolNames.of(names_used(request.tools, called, request.tool_choice))
    system, messages = encode_history(request.messages, Encoding(own=own, names=names, dropping=dropping))
    plan = plan_thinking(request, deployment, generation, dropping)
    body: dict[str, object] = {"model": deployment.model, "max_tokens": plan.max_tokens}
    if system is not None:
        body["system"] = system
    body["messages"] = messages
    put_parameters(body, request, deployment, dropping, own=own)
    put_sampling(body, request, generation, plan, dropping, version=version)
    _put_tools(body, request, generation, names, plan, dropping)
    json_tool = _put_format(body, request, generation, plan, dropping)
    _put_thinking(body, plan)
    if called and "tools" not in body and not own:
        _put_dummy_tools(body, [names[name] for name in called])
    body = _joined(configured, body, _unknown(request, dropping))
    if request.stream:
        body["stream"] = True
    fields = {**dropping.without(body, deployment.dropped_parameters - set(CANONICAL_NAMES)), **request.extra_body}
    return Body(fields=fields, names=names.changed(), json_tool=json_tool)


def _put_tools(
    body: dict[str, object], request: ChatRequest, generation: Generation, names: ToolNames, plan: Plan, dropping: Dropping
) -> None:
    own = request.dialect == DIALECT
    tools: list[Json] = []
    for tool in request.tools:
        encoded = encode_tool(tool, names, own=own, strict=generation.has_structured_output)
        if encoded is None:
            dropping.unsupported("tools", tool, "a tool that only another provider runs")
        else:
            tools.append(encoded)
    search = request.parameters.get("web_search_options")
    if isinstance(search, dict):
        tools.append(web_search(search))
    if tools or (own and request.tools):
        body["tools"] = tools
    choice = _tool_choice(request.tool_choice, names, dropping) if tools or own else None
    if not own and is_forced(choice) and (plan.has_budget or generation.refuses_forced_tools):
        dropping.unsupported("tool_choice", choice, "the model may not be forced to call a tool while it thinks")
        choice = {"type": "auto"}
    if request.parallel_tool_calls is not None and (tools or own):
        choice = _with_parallel(choice, allowed=request.parallel_tool_calls, own=own)
    if choice is not None:
        body["tool_choice"] = choice


def _tool_choice(choice: ToolChoice | None, names: ToolNames, dropping: Dropping) -> dict[str, object] | None:
    if choice is None:
        return None
    encoded = encode_tool_choice(choice, names)
    if encoded is None:
        dropping.unsupported("tool_choice", choice)
    return encoded


def _with_parallel(choice: dict[str, object] | None, *, allowed: bool, own: bool) -> dict[str, object] | None:
    if (choice is not None and choice.get("type") == "none") or (allowed and not own):
        return choice
    return {**(choice or {"type": "auto"}), "disable_parallel_tool_use": not allowed}


def _put_dummy_tools(body: dict[str, object], called: list[str]) -> None:
    """The API refuses a history that calls tools when none is offered; these are, and may not be called."""
    body["tools"] = [{"name": name, "input_schema": tool_schema(None)} for name in dict.fromkeys(called)]
    body["tool_choice"] = {"type": "none"}


def _put_format(body: dict[str, object], request: ChatRequest, generation: Generation, plan: Plan, dropping: Dropping) -> bool:
    """Ask for an answer in a shape; return whether it will come as the call of our own tool. Without a schema there is no way to ask."""
    own = request.dialect == DIALECT
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return False
    if wanted.schema is None:
        dropping.note("response_format")
        return False
    if own or generation.has_structured_output:
        schema = wanted.schema if own else fit_schema(wanted.schema)
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return False
    tools = body.get("tools")
    others = tools if isinstance(tools, list) else []
    answer = {"name": JSON_TOOL, "description": wanted.description or "Give the answer.", "input_schema": tool_schema(wanted.schema)}
    body["tools"] = [*others, answer]
    known = body.get("tool_choice")
    body["tool_choice"] = _choice_beside_answer(known if isinstance(known, dict) else {}, plan, has_others=bool(others))
    return True


def _choice_beside_answer(known: dict[str, object], plan: Plan, *, has_others: bool) -> dict[str, object]:
    """Make the model call our tool, or where the caller has tools, one of all; while it thinks it may not be forced."""
    kept = {name: value for name, value in known.items() if name == "disable_parallel_tool_use"}
    if plan.is_on:
        return {"type": "auto", **kept}
    if known.get("type") == "tool":
        return known
    if has_others and known.get("type") != "none":
        return {"type": "any", **kept}
    return {"type": "tool", "name": JSON_TOOL}


def _put_thinking(body: dict[str, object], plan: Plan) -> None:
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    if plan.effort is not None:
        known = body.get("output_config")
        body["output_config"] = {**(known if isinstance(known, dict) else {}), "effort": plan.effort}


def _unknown(request: ChatRequest, dropping: Dropping) -> Json:
    """Fields that the surface does not know: verbatim from this dialect and from OpenAI's, dropped from another."""
    if request.rest is None:
        return {}
    if request.rest.dialect in (DIALECT, "openai_chat", "openai_completions"):
        return request.rest.fields
    for name in request.rest.fields:
        dropping.note(name)
    return {}


def _joined(configured: Json, body: dict[str, object], unknown: Json) -> dict[str, object]:
    """Return the body with the operator's fields where it has none, and the client's unknown ones; objects on both sides are joined."""
    joined = {**configured, **body}
    for name, value in unknown.items():
        known = joined.get(name)
        joined[name] = {**value, **known} if isinstance(known, dict) and isinstance(value, dict) else value
    return joined
