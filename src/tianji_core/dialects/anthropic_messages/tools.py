"""Tools and tool choice, both directions. Source: Anthropic's Python SDK, `ToolUnionParam` and `ToolChoiceParam`."""

import re
from collections.abc import Mapping

from tianji_core.calls.chat import FunctionTool, Json, OpaqueTool, Tool, ToolChoice
from tianji_core.dialects.anthropic_messages.parts import DIALECT, rest_of, with_rest
from tianji_core.translation.structured_output import fit_schema, tool_schema
from tianji_core.translation.tool_names import ToolNames
from tianji_core.wire.fields import Fields

_DATED_KIND = re.compile(r"[a-z0-9_]+_\d{8}")
_MODES = {"auto": "auto", "any": "required", "none": "none"}
_WORDS = {mode: word for word, mode in _MODES.items()}


def decode_tools(body: Fields) -> tuple[Tool, ...]:
    """Take `tools`; one that Anthropic runs or defines stays whole."""
    return tuple(_decode_tool(body.inside(value, "tools", n), value) for n, value in enumerate(body.objects("tools")))


def _decode_tool(fields: Fields, value: Json) -> Tool:
    if value.get("type") not in (None, "custom"):
        fields.text("type")
        return OpaqueTool(dialect=DIALECT, value=value)
    return FunctionTool(
        name=fields.required_text("name"),
        description=fields.text("description"),
        parameters=fields.mapping("input_schema"),
        strict=fields.boolean("strict"),
        cache_control=fields.mapping("cache_control"),
        rest=rest_of(fields.values),
    )


def decode_tool_choice(body: Fields) -> tuple[ToolChoice | None, bool | None]:
    """Take `tool_choice`: the choice, and whether several calls at once are allowed (None when nothing is said)."""
    value = body.mapping("tool_choice")
    if value is None:
        return None, None
    fields = body.inside(value, "tool_choice")
    kind = fields.text("type")
    fields.required("type", kind)
    disabled = fields.boolean("disable_parallel_tool_use")
    parallel = None if disabled is None else not disabled
    if kind == "tool":
        return ToolChoice(mode="named", name=fields.required_text("name")), parallel
    mode = _MODES.get(kind or "")
    if mode is None:
        return ToolChoice(mode="opaque", dialect=DIALECT, value=value), None
    return ToolChoice(mode=mode), parallel  # type: ignore[arg-type]


# --- to the wire --------------------------------------------------------------------------------------------------------


def encode_tool(tool: Tool, names: ToolNames, *, own: bool, strict: bool) -> Json | None:
    """Return a tool as Anthropic writes it; None for one that only another vendor has.

    `own`: the request is of this dialect, and what the client wrote stays as it is. `strict`: the model takes strict tools; then the
    schema is put into the subset that they allow.
    """
    if isinstance(tool, OpaqueTool):
        return tool.value if tool.dialect == DIALECT or _is_native(tool.value) else None
    value: dict[str, object] = {"name": names[tool.name]}
    if tool.description is not None:
        value["description"] = tool.description
    if own:
        value["input_schema"] = tool.parameters if tool.parameters is not None else tool_schema(None)
        if tool.strict is not None:
            value["strict"] = tool.strict
    else:
        value["input_schema"] = tool_schema(tool.parameters)
        if tool.strict and strict:
            value.update(input_schema=fit_schema(tool_schema(tool.parameters)), strict=True)
    if tool.cache_control is not None:
        value["cache_control"] = tool.cache_control
    return with_rest(value, tool.rest)


def _is_native(value: Json) -> bool:
    """Whether a tool that came in by another dialect is one of Anthropic's dated kinds (`bash_20250124`)."""
    kind = value.get("type")
    return isinstance(kind, str) and _DATED_KIND.fullmatch(kind) is not None


def encode_tool_choice(choice: ToolChoice, names: ToolNames) -> dict[str, object] | None:
    """Return the choice as Anthropic writes it; None for one that only another vendor has."""
    if choice.mode == "named":
        return {"type": "tool", "name": names[choice.name or ""]}
    if choice.mode == "opaque":
        return dict(choice.value or {}) if choice.dialect == DIALECT else None
    return {"type": _WORDS[choice.mode]}


def is_forced(choice: Mapping[str, object] | None) -> bool:
    """Whether a choice as Anthropic writes it makes the model call a tool."""
    return choice is not None and choice.get("type") in ("any", "tool")
