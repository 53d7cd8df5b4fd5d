"""OpenAI's tools, tool choice and response format, both directions. Source: OpenAI's Python SDK, chat completion parameter types."""

from tianji_core.calls.chat import FunctionTool, Json, OpaqueTool, ResponseFormat, Tool, ToolChoice
from tianji_core.dialects.openai_chat.parts import DIALECT, rest_of
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.translation.structured_output import without_keywords
from tianji_core.wire.fields import Fields

_CHOICES = ("none", "auto", "required")


def decode_tools(body: Fields) -> tuple[Tool, ...]:
    """Take `tools`, or the older `functions`."""
    tools = [_decode_tool(value, body, position) for position, value in enumerate(body.objects("tools"))]
    for position, value in enumerate(body.objects("functions")):
        tools.append(_decode_function(body.inside(value, "functions", position), {}))
    return tuple(tools)


def _decode_tool(value: dict[str, object], body: Fields, position: int) -> Tool:
    fields = body.inside(value, "tools", position)
    kind = fields.text("type")
    fields.required("type", kind)
    if kind != "function":
        return OpaqueTool(dialect=DIALECT, value=value)
    function = fields.mapping("function")
    fields.required("function", function)
    return _decode_function(fields.inside(function or {}, "function"), fields.values)


def _decode_function(function: Fields, outer: dict[str, object]) -> FunctionTool:
    tool = Fields(dict(outer), function.path)
    return FunctionTool(
        name=function.required_text("name"),
        description=function.text("description"),
        parameters=function.mapping("parameters"),
        strict=function.boolean("strict"),
        cache_control=tool.mapping("cache_control"),
        rest=rest_of({**tool.values, **({"function": function.values} if function.values else {})}),
    )


def encode_tool(tool: Tool, quirks: Quirks) -> Json | None:
    """Return a tool as OpenAI writes it; None for a tool of another dialect."""
    if isinstance(tool, OpaqueTool):
        return tool.value if tool.dialect == DIALECT else None
    function: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = without_keywords(tool.parameters, quirks.drops_schema_keywords)
    if tool.strict is not None:
        function["strict"] = tool.strict
    outer: dict[str, object] = {"type": "function"}
    if tool.cache_control is not None and quirks.keeps_cache_control:
        outer["cache_control"] = tool.cache_control
    for name, value in (tool.rest.of(DIALECT) if tool.rest else {}).items():
        if name == "function" and isinstance(value, dict):
            function.update(value)
        else:
            outer[name] = value
    kept = {name: value for name, value in function.items() if name not in quirks.drops_tool_fields}
    return {**outer, "function": kept}


def decode_tool_choice(body: Fields) -> ToolChoice | None:
    """Take `tool_choice`, or the older `function_call`."""
    value = body.values.pop("tool_choice", None)
    name = "tool_choice"
    if value is None:
        value, name = body.values.pop("function_call", None), "function_call"
    if value is None:
        return None
    if isinstance(value, str):
        for mode in _CHOICES:
            if value == mode:
                return ToolChoice(mode=mode)  # type: ignore[arg-type]
        raise body.invalid(name, f"expected one of {', '.join(_CHOICES)} or an object")
    if not isinstance(value, dict):
        raise body.wrong_type(name, "a string or an object", value)
    fields = body.inside(value, name)
    if name == "function_call":
        return ToolChoice(mode="named", name=fields.required_text("name"))
    if value.get("type") == "function":
        function = fields.inside(fields.mapping("function") or {}, "function")
        return ToolChoice(mode="named", name=function.required_text("name"))
    return ToolChoice(mode="opaque", dialect=DIALECT, value=value)


def encode_tool_choice(choice: ToolChoice) -> str | Json | None:
    """Return the choice as OpenAI writes it; None for one that only another dialect has."""
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.name}}
    if choice.mode == "opaque":
        return choice.value if choice.dialect == DIALECT else None
    return choice.mode


def decode_response_format(body: Fields) -> ResponseFormat | None:
    """Take `response_format`."""
    value = body.mapping("response_format")
    if value is None:
        return None
    fields = body.inside(value, "response_format")
    kind = fields.text("type")
    fields.required("type", kind)
    if kind in ("text", "json_object"):
        schema = fields.mapping("schema")  # llama.cpp and others take a schema here
        return ResponseFormat(kind="json_object" if kind == "json_object" else "text", schema=schema)
    if kind != "json_schema":
        raise fields.invalid("type", "expected one of text, json_object, json_schema")
    given = fields.mapping("json_schema")
    fields.required("json_schema", given)
    inner = fields.inside(given or {}, "json_schema")
    return ResponseFormat(
        kind="json_schema",
        name=inner.required_text("name"),
        description=inner.text("description"),
        schema=inner.mapping("schema"),
        strict=inner.boolean("strict"),
    )


def encode_response_format(wanted: ResponseFormat) -> Json:
    """Return the format as OpenAI writes it."""
    if wanted.kind != "json_schema":
        return {"type": wanted.kind} if wanted.schema is None else {"type": wanted.kind, "schema": wanted.schema}
    inner: dict[str, object] = {"name": wanted.name or "structured_output"}
    for name in ("description", "schema", "strict"):
        value = getattr(wanted, name)
        if value is not None:
            inner[name] = value
    return {"type": "json_schema", "json_schema": inner}
