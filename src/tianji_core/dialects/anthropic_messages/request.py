"""A Messages request as clients send it, decoded. Source: Anthropic's Python SDK, `MessageCreateParams`.

Fields that have a meaning elsewhere are type-checked; what only Anthropic has (`container`, `mcp_servers`, …) stays in `rest`.
"""

from tianji_core.calls.chat import ChatRequest, Reasoning, ResponseFormat
from tianji_core.calls.http import Headers
from tianji_core.dialects.anthropic_messages.messages import decode_messages, decode_system
from tianji_core.dialects.anthropic_messages.parts import DIALECT, rest_of
from tianji_core.dialects.anthropic_messages.tools import decode_tool_choice, decode_tools
from tianji_core.wire.fields import Fields

_PARAMETERS = {"temperature": "number", "top_p": "number", "top_k": "integer", "service_tier": "string"}


def decode_request(body: Fields, model: str, forward_headers: Headers = (), *, needs_max_tokens: bool = True) -> ChatRequest:
    """Return the canonical request; `model` was taken before, from the body or the path.

    `needs_max_tokens` is False where only tokens are counted.

    Raises:
        InvalidRequestError: a field is missing or has the wrong type; `param` is its path.
    """
    tokens = body.integer("max_tokens")
    if needs_max_tokens:
        body.required("max_tokens", tokens)
    if tokens is not None and tokens < 0:
        raise body.invalid("max_tokens", "expected an integer of at least 0")
    messages = (*decode_system(body), *decode_messages(body))
    tools = decode_tools(body)
    tool_choice, parallel = decode_tool_choice(body)
    end_user = _take_user(body)
    response_format, reasoning = _take_output(body)
    return ChatRequest(
        dialect=DIALECT,
        model=model,
        messages=messages,
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=parallel,
        max_output_tokens=tokens,
        max_output_tokens_field="max_tokens" if tokens is not None else None,
        stop=body.texts("stop_sequences"),
        response_format=response_format,
        reasoning=reasoning,
        stream=body.boolean("stream") or False,
        include_usage=True,
        end_user=end_user,
        parameters=_take_parameters(body),
        extra_body=body.mapping("extra_body") or {},
        forward_headers=forward_headers,
        rest=rest_of(body.values),
    )


def _take_parameters(body: Fields) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, kind in _PARAMETERS.items():
        value = body.integer(name) if kind == "integer" else body.take(name, kind)
        if value is not None:
            found[name] = value
    return found


def _take_user(body: Fields) -> str | None:
    metadata = body.mapping("metadata")
    if metadata is None:
        return None
    fields = body.inside(metadata, "metadata")
    user = fields.text("user_id")
    if fields.values:
        body.values["metadata"] = fields.values
    return user


def _take_output(body: Fields) -> tuple[ResponseFormat | None, Reasoning | None]:
    """Take `output_config` and `thinking`; what is left of the first goes back, since it may hold what only Anthropic knows."""
    effort = None
    wanted = None
    config = body.mapping("output_config")
    if config is not None:
        fields = body.inside(config, "output_config")
        effort = fields.text("effort")
        wanted = _take_format(fields)
        if fields.values:
            body.values["output_config"] = fields.values
    return wanted, _take_thinking(body, effort)


def _take_format(config: Fields) -> ResponseFormat | None:
    value = config.values.get("format")
    if not isinstance(value, dict) or value.get("type") != "json_schema" or set(value) - {"type", "schema"}:
        return None
    fields = config.inside(config.mapping("format") or {}, "format")
    schema = fields.mapping("schema")
    fields.required("schema", schema)
    return ResponseFormat(kind="json_schema", name="structured_output", schema=schema, strict=True)


def _take_thinking(body: Fields, effort: str | None) -> Reasoning | None:
    value = body.mapping("thinking")
    if value is None:
        return Reasoning(effort=effort) if effort is not None else None
    fields = body.inside(value, "thinking")
    mode = fields.text("type")
    fields.required("type", mode)
    budget = fields.integer("budget_tokens")
    return Reasoning(effort=effort, mode=mode, budget_tokens=budget, rest=rest_of(fields.values))
