"""A canonical conversation as Anthropic takes it: `system`, then turns of user and assistant.

From another dialect: every system message is hoisted, runs of one role are one turn, results stand first in the user's turn, the first
turn is the user's, nothing is empty, and an answer to be continued has no space at its end.
"""

from collections.abc import Sequence

from tianji_core.calls.chat import File, Image, Json, Message, Opaque, RedactedThinking, Text, Thinking
from tianji_core.dialects.anthropic_messages.blocks import Encoding, encode_part
from tianji_core.dialects.anthropic_messages.parts import DIALECT, encode_text, with_rest
from tianji_core.translation.tool_call_ids import ANTHROPIC, fit_tool_call_id

_Block = dict[str, object]
_NOTHING: Json = {"type": "text", "text": "."}


def encode_history(messages: Sequence[Message], encoding: Encoding) -> tuple[str | list[_Block] | None, list[_Block]]:
    """Return (`system` or None, `messages`)."""
    return _same(messages, encoding) if encoding.own else _foreign(messages, encoding)


# --- from this dialect --------------------------------------------------------------------------------------------------


def _same(messages: Sequence[Message], encoding: Encoding) -> tuple[str | list[_Block] | None, list[_Block]]:
    system: str | list[_Block] | None = None
    rest = messages
    if messages and _is_outer_system(messages[0]):
        system = _content(messages[0], encoding)
        rest = messages[1:]
    turns: list[_Block] = []
    results: list[_Block] = []
    for message in rest:
        if message.role == "tool":
            results.append(_result(message, encoding))
            continue
        if results and message.role != "user":
            turns.append({"role": "user", "content": results})
            results = []
        content = _content(message, encoding)
        if results:
            content = [*results, *_as_blocks(content)]
            results = []
        if content or not message.parts:  # a turn of unsigned thinking alone would be empty
            turns.append(with_rest({"role": message.role, "content": content}, message.rest))
    if results:
        turns.append({"role": "user", "content": results})
    return system, turns


def _is_outer_system(message: Message) -> bool:
    return message.role == "system" and not (message.rest is not None and "role" in message.rest.of(DIALECT))


def _content(message: Message, encoding: Encoding) -> str | list[_Block]:
    if message.plain:
        texts = [part.value.get("text") if isinstance(part, Opaque) else message.text for part in message.parts]
        return str(texts[0]) if texts else ""
    return [block for part in message.parts if (block := encode_part(part, encoding)) is not None]


def _as_blocks(content: str | list[_Block]) -> list[_Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


# --- from another dialect -----------------------------------------------------------------------------------------------


def _foreign(messages: Sequence[Message], encoding: Encoding) -> tuple[list[_Block] | None, list[_Block]]:
    system: list[_Block] = []
    turns: list[tuple[str, list[_Block]]] = []
    for message in messages:
        if message.role in ("system", "developer"):
            system += _system_blocks(message)
            continue
        role, blocks = _foreign_turn(message, encoding)
        if not blocks and role == "assistant":
            continue
        if turns and turns[-1][0] == role:
            turns[-1] = (role, _results_first([*turns[-1][1], *blocks]))
        else:
            turns.append((role, blocks))
    if not turns or turns[0][0] != "user":
        turns.insert(0, ("user", [dict(_NOTHING)]))
    if turns[-1][0] == "assistant":
        blocks = _stripped(turns[-1][1])
        turns[-1:] = [("assistant", blocks)] if blocks else []
    return system or None, [{"role": role, "content": blocks or [dict(_NOTHING)]} for role, blocks in turns]


def _system_blocks(message: Message) -> list[_Block]:
    blocks = [encode_text(part) for part in message.parts if isinstance(part, Text) and part.text]
    return _marked_last(blocks, message)


def _foreign_turn(message: Message, encoding: Encoding) -> tuple[str, list[_Block]]:
    if message.role == "tool":
        return "user", [_result(message, encoding)]
    blocks = [block for part in message.parts if (block := encode_part(part, encoding)) is not None]
    if message.role == "assistant":
        blocks = sorted(blocks, key=lambda block: block["type"] not in ("thinking", "redacted_thinking"))
    return ("assistant" if message.role == "assistant" else "user"), _marked_last(blocks, message)


def _marked_last(blocks: list[_Block], message: Message) -> list[_Block]:
    """Move a mark of the message to its last block; thinking takes none."""
    if message.cache_control is None or not blocks or blocks[-1]["type"] in ("thinking", "redacted_thinking"):
        return blocks
    return [*blocks[:-1], {"cache_control": message.cache_control, **blocks[-1]}]


def _results_first(blocks: list[_Block]) -> list[_Block]:
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _stripped(blocks: list[_Block]) -> list[_Block]:
    last = blocks[-1]
    if last["type"] != "text":
        return blocks
    text = str(last["text"]).rstrip()
    return [*blocks[:-1], {**last, "text": text}] if text else blocks[:-1]


# --- both ---------------------------------------------------------------------------------------------------------------


def _result(message: Message, encoding: Encoding) -> _Block:
    """Return a tool's result as a block; what was one string stays one."""
    call_id = message.tool_call_id or ""
    block: _Block = {"type": "tool_result", "tool_use_id": call_id if encoding.own else fit_tool_call_id(call_id, ANTHROPIC)}
    content = _content(message, encoding)
    if content or (encoding.own and not message.plain):
        block["content"] = content
    if message.is_error:
        block["is_error"] = True
    if message.cache_control is not None:
        block["cache_control"] = message.cache_control
    return with_rest(block, message.rest)


def replays_thinking(messages: Sequence[Message]) -> bool:
    """Whether the last answer, where it called tools whose results now follow, still has its signed thinking."""
    for message in reversed(messages):
        if message.role == "assistant":
            if not message.tool_calls:
                return True
            return any(isinstance(part, RedactedThinking) or (isinstance(part, Thinking) and part.signature) for part in message.parts)
        if message.role != "tool":
            return True
    return True


def uses_files(messages: Sequence[Message]) -> bool:
    """Whether a part names an uploaded file."""
    return any(isinstance(part, Image | File) and part.file_id is not None for message in messages for part in message.parts)
