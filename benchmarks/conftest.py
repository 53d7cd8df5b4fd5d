"""Bodies of the sizes that a gateway meets: a short question, a long conversation with tools, a stream of a hundred events."""

import msgspec
import pytest

_WORDS = (
    "The invoice of the third quarter lists two shipments that never reached the warehouse in Rotterdam, and the carrier asks whether "
    "it shall send them again or credit them. Please read the correspondence below, say what was agreed, and draft a polite answer. "
)
_STREAM_EVENTS = 100
_TURNS = 25

Json = dict[str, object]


def _encoded(value: Json) -> bytes:
    return msgspec.json.encode(value)


def _event(value: Json, name: str | None = None) -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + _encoded(value) + b"\n\n"


@pytest.fixture(scope="session")
def short_openai() -> bytes:
    """A chat of OpenAI's dialect, about 850 bytes."""
    messages = [{"role": "system", "content": _WORDS}, {"role": "user", "content": _WORDS + _WORDS[:225]}]
    return _encoded({"model": "fast", "messages": messages, "temperature": 0.2, "max_tokens": 256})


@pytest.fixture(scope="session")
def short_anthropic() -> bytes:
    """The same question in Anthropic's dialect."""
    messages = [{"role": "user", "content": _WORDS + _WORDS[:225]}]
    return _encoded({"model": "fast", "system": _WORDS, "messages": messages, "temperature": 0.2, "max_tokens": 256})


@pytest.fixture(scope="session")
def long_openai() -> bytes:
    """A conversation with tools in OpenAI's dialect, about 72 kB."""
    messages: list[Json] = [{"role": "system", "content": _WORDS * 4}]
    for turn in range(_TURNS):
        call = {"id": f"call_{turn}", "type": "function", "function": {"name": "find_shipment", "arguments": f'{{"number": {turn}}}'}}
        messages += [
            {"role": "user", "content": [{"type": "text", "text": _WORDS * 5}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"call_{turn}", "content": _WORDS * 4},
            {"role": "assistant", "content": _WORDS},
        ]
    messages.append({"role": "user", "content": "And now?"})
    tools = [{"type": "function", "function": {"name": "find_shipment", "description": _WORDS, "parameters": _SCHEMA}}]
    return _encoded({"model": "fast", "messages": messages, "tools": tools, "stream": True})


@pytest.fixture(scope="session")
def long_anthropic() -> bytes:
    """The same conversation in Anthropic's dialect."""
    messages: list[Json] = []
    for turn in range(_TURNS):
        use = {"type": "tool_use", "id": f"toolu_{turn}", "name": "find_shipment", "input": {"number": turn}}
        messages += [
            {"role": "user", "content": [{"type": "text", "text": _WORDS * 5}]},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": _WORDS * 4}]},
            {"role": "assistant", "content": [{"type": "text", "text": _WORDS}]},
        ]
    messages.append({"role": "user", "content": "And now?"})
    tools = [{"name": "find_shipment", "description": _WORDS, "input_schema": _SCHEMA}]
    return _encoded({"model": "fast", "max_tokens": 1024, "system": _WORDS * 4, "messages": messages, "tools": tools, "stream": True})


@pytest.fixture(scope="session")
def openai_stream() -> tuple[bytes, ...]:
    """A stream of OpenAI's dialect, one piece an event, with its usage at the end."""
    head: Json = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_768_478_400, "model": "gpt-4o-2024-08-06"}
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f" word{n}"} for n in range(_STREAM_EVENTS - 4)]
    events = [_event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}) for delta in deltas]
    usage = {"prompt_tokens": 210, "completion_tokens": 97, "total_tokens": 307}
    end = _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return (*events, end, _event({**head, "choices": [], "usage": usage}), b"data: [DONE]\n\n")


@pytest.fixture(scope="session")
def anthropic_stream() -> tuple[bytes, ...]:
    """A stream of Anthropic's dialect, one piece an event."""
    message: Json = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 210, "output_tokens": 1},
    }
    values: list[Json] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f" word{n}"}}
            for n in range(_STREAM_EVENTS - 5)
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 97}},
        {"type": "message_stop"},
    ]
    return tuple(_event(value, str(value["type"])) for value in values)


_SCHEMA: Json = {"type": "object", "properties": {"number": {"type": "integer", "description": "As on the label."}}, "required": ["number"]}
