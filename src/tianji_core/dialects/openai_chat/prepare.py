"""A canonical request with the tool names and the ids of tool calls that the server takes.

Sources: OpenAI's name pattern and length of ids; Mistral's nine letters and digits. What a client of this dialect wrote stays as it is,
save ids for a server with a rule of its own.
"""

from collections.abc import Mapping

import msgspec

from tianji_core.calls.chat import ChatRequest, FunctionTool, Message, Part, Tool, ToolCall, ToolChoice
from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.translation.derived_ids import derived_id
from tianji_core.translation.tool_call_ids import MISTRAL, OPENAI, ToolCallIdRule, fit_tool_call_id
from tianji_core.translation.tool_names import ToolNames, names_used

_RULES = {"openai": OPENAI, "mistral": MISTRAL}
_LONGEST_USER = 64


def prepare(request: ChatRequest, quirks: Quirks) -> tuple[ChatRequest, Mapping[str, str]]:
    """Return (the request, tool names as sent → as the caller wrote them, where they differ)."""
    own = request.dialect == DIALECT
    if own and quirks.tool_call_ids == "openai":
        return request, {}
    called = [call.name for message in request.messages for call in message.tool_calls]
    names = ToolNames() if own else ToolNames.of(names_used(request.tools, called, request.tool_choice))
    rule = _RULES[quirks.tool_call_ids]
    fitted = msgspec.structs.replace(
        request,
        messages=tuple(_message(message, names, rule) for message in request.messages),
        tools=tuple(_tool(tool, names) for tool in request.tools),
        tool_choice=_choice(request.tool_choice, names),
        end_user=request.end_user if own else _user(request.end_user),
    )
    return fitted, names.changed()


def _user(name: str | None) -> str | None:
    """OpenAI takes 64 characters; a longer name becomes a hash, so that one user stays one."""
    return derived_id("user_", name) if name is not None and len(name) > _LONGEST_USER else name


def _message(message: Message, names: ToolNames, rule: ToolCallIdRule) -> Message:
    if message.tool_call_id is None and not message.tool_calls:
        return message
    call_id = message.tool_call_id
    return msgspec.structs.replace(
        message,
        parts=tuple(_part(part, names, rule) for part in message.parts),
        tool_call_id=fit_tool_call_id(call_id, rule) if call_id is not None else None,
    )


def _part(part: Part, names: ToolNames, rule: ToolCallIdRule) -> Part:
    if not isinstance(part, ToolCall):
        return part
    return msgspec.structs.replace(part, id=fit_tool_call_id(part.id, rule), name=names[part.name])


def _tool(tool: Tool, names: ToolNames) -> Tool:
    return msgspec.structs.replace(tool, name=names[tool.name]) if isinstance(tool, FunctionTool) else tool


def _choice(choice: ToolChoice | None, names: ToolNames) -> ToolChoice | None:
    if choice is None or choice.name is None:
        return choice
    return msgspec.structs.replace(choice, name=names[choice.name])
