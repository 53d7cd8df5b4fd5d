"""Writes content blocks one after the other. Source: Anthropic's page on streaming.

OpenAI's streams may mix the arguments of several calls; here a block is closed for good, so that a later call waits until the open one
has a whole JSON object, or until the answer goes on with something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tianji_core.calls.chat import Json, ToolCallStart
from tianji_core.dialects.anthropic_messages.parts import encode_redacted, with_rest
from tianji_core.errors import InvalidRequestError
from tianji_core.shapes.codecs import Event
from tianji_core.wire.json import decode_object, encode
from tianji_core.wire.sse import encode_event

_Key = tuple[str, int]


def event(value: Mapping[str, object], *, content: bool = True) -> Event:
    """Return the event of a value, under the name that stands in it."""
    return Event(data=encode_event(encode(value), str(value["type"])), content=content)


@dataclass(slots=True)
class _Waiting:
    start: ToolCallStart
    arguments: str = ""


@dataclass(slots=True)
class BlockWriter:
    """The one open block, the number of the next, and the tool calls that wait for their turn."""

    _next: int = 0
    _open: _Key | None = None
    _signed: bool = False
    _arguments: str = ""
    _waiting: dict[int, _Waiting] = field(default_factory=dict)

    def text(self, text: str, block: int) -> list[Event]:
        """Return the events of more text."""
        if not text:  # many servers send an empty piece beside something else
            return []
        events = self._enter(("text", block), {"type": "text", "text": ""})
        return [*events, *self._piece({"type": "text_delta", "text": text})]

    def citation(self, citation: Json, block: int) -> list[Event]:
        """Return the events of a citation of a text block."""
        events = self._enter(("text", block), {"type": "text", "text": "", "citations": []})
        return [*events, *self._piece({"type": "citations_delta", "citation": citation})]

    def thinking(self, text: str, block: int) -> list[Event]:
        """Return the events of more thinking; after a signature it is a new block."""
        if not text:
            return []
        events = self._leave() if self._signed else []
        events += self._enter(("thinking", block), {"type": "thinking", "thinking": "", "signature": ""})
        return [*events, *self._piece({"type": "thinking_delta", "thinking": text})]

    def signature(self, signature: str, block: int) -> list[Event]:
        """Return the events of a signature."""
        events = self._enter(("thinking", block), {"type": "thinking", "thinking": "", "signature": ""})
        self._signed = True
        return [*events, *self._piece({"type": "signature_delta", "signature": signature})]

    def redacted(self, data: str) -> list[Event]:
        """Return the events of a whole redacted block."""
        return self._whole(encode_redacted(data))

    def opaque(self, value: Json) -> list[Event]:
        """Return the events of a whole block of our own dialect; its input comes as a delta, as clients expect."""
        given = value.get("input")
        if not isinstance(given, dict) or not given:
            return self._whole(value)
        events = [*self._flush(), *self._begin(("opaque", self._next), {**value, "input": {}})]
        events += self._piece({"type": "input_json_delta", "partial_json": encode(given).decode()})
        return [*events, *self._leave()]

    def tool(self, start: ToolCallStart) -> list[Event]:
        """Return the events of a tool call's beginning, or none while another call is incomplete."""
        if self._waiting or (self._is_tool() and not _is_object(self._arguments)):
            self._waiting[start.index] = _Waiting(start)
            return self._advance()
        return self._begin_tool(start)

    def arguments(self, index: int, text: str) -> list[Event]:
        """Return the events of more arguments."""
        if index in self._waiting:
            self._waiting[index].arguments += text
            return []
        if self._open != ("tool", index) or not text:
            return []
        self._arguments += text
        events = self._piece({"type": "input_json_delta", "partial_json": text})
        return [*events, *self._advance()]

    def finish(self, *, needs_block: bool) -> list[Event]:
        """Return the events that close everything; an answer without any block gets an empty text where `needs_block`."""
        events = self._flush()
        if needs_block and self._next == 0:
            events += self._whole({"type": "text", "text": ""})
        return events

    def _enter(self, key: _Key, block: Json) -> list[Event]:
        """Open a block unless it is the open one."""
        if self._open == key:
            return []
        return [*self._flush(), *self._begin(key, block)]

    def _whole(self, block: Json) -> list[Event]:
        return [*self._flush(), *self._begin(("whole", self._next), block), *self._leave()]

    def _flush(self) -> list[Event]:
        """Close the open block and write the calls that wait, in order."""
        events = self._leave()
        while self._waiting:
            events += [*self._begin_waiting(), *self._leave()]
        return events

    def _advance(self) -> list[Event]:
        """Give the next waiting call its turn when the open one is complete."""
        events: list[Event] = []
        while self._waiting and self._is_tool() and _is_object(self._arguments):
            events += self._begin_waiting()
        return events

    def _begin_waiting(self) -> list[Event]:
        index = next(iter(self._waiting))
        waiting = self._waiting.pop(index)
        events = self._begin_tool(waiting.start)
        if waiting.arguments:
            self._arguments = waiting.arguments
            events += self._piece({"type": "input_json_delta", "partial_json": waiting.arguments})
        return events

    def _begin_tool(self, start: ToolCallStart) -> list[Event]:
        block: dict[str, object] = {"type": "tool_use", "id": start.id, "name": start.name, "input": {}}
        return [*self._leave(), *self._begin(("tool", start.index), with_rest(block, start.rest))]

    def _is_tool(self) -> bool:
        return self._open is not None and self._open[0] == "tool"

    def _begin(self, key: _Key, block: Json) -> list[Event]:
        self._open, self._signed, self._arguments = key, False, ""
        return [event({"type": "content_block_start", "index": self._next, "content_block": block})]

    def _piece(self, delta: Json) -> list[Event]:
        return [event({"type": "content_block_delta", "index": self._next, "delta": delta})]

    def _leave(self) -> list[Event]:
        if self._open is None:
            return []
        number = self._next
        self._open, self._signed, self._next = None, False, self._next + 1
        return [event({"type": "content_block_stop", "index": number})]


def _is_object(text: str) -> bool:
    """Whether the arguments are complete."""
    try:
        decode_object(text.encode())
    except (InvalidRequestError, UnicodeEncodeError):
        return False
    return True
