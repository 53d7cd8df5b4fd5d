"""What providers answer: whole chat completions, streams and refusals, as scripts."""

from typing import Any

import msgspec

from support.scripted_transport import Script
from tianji_core.calls.http import Headers

Json = dict[str, Any]

USAGE: Json = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
COST_NANO = 10 * 2_500 + 5 * 10_000
"""What `USAGE` costs at the price of `gpt-4o` above."""


def completion(text: str = "Hello!", *, usage: Json | None = USAGE, **fields: object) -> bytes:
    """Return the body of a whole chat completion."""
    value: Json = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        **({"usage": usage} if usage is not None else {}),
        **fields,
    }
    return msgspec.json.encode(value)


def whole(text: str = "Hello!", **fields: Any) -> Script:
    """Return a good whole answer."""
    return Script((completion(text, **fields),))


def refusal(status: int, message: str = "no", headers: Headers = (), **fields: object) -> Script:
    """Return an error answer in OpenAI's envelope."""
    return Script((msgspec.json.encode({"error": {"message": message, **fields}}),), status=status, headers=headers)


def chunk(content: str | None = None, *, finish: str | None = None, role: str | None = None) -> bytes:
    """Return one event of a streamed chat completion."""
    delta = {name: value for name, value in (("role", role), ("content", content)) if value is not None}
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def event(value: Json) -> bytes:
    """Return an event with the head that every chunk has."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    return b"data: " + msgspec.json.encode({**head, **value}) + b"\n\n"


ROLE = chunk("", role="assistant")
END = chunk(finish="stop")
DONE = b"data: [DONE]\n\n"
STREAM_HEADERS: Headers = (("content-type", "text/event-stream"),)


def usage_chunk(usage: Json = USAGE) -> bytes:
    """Return the event that carries usage alone."""
    return event({"choices": [], "usage": usage})


def stream(*steps: Any, before: tuple[Any, ...] = ()) -> Script:
    """Return a streamed answer of these steps."""
    return Script(steps, headers=STREAM_HEADERS, before=before)


def good_stream(*texts: str, usage: Json | None = USAGE) -> Script:
    """Return a complete streamed answer."""
    end = (END, usage_chunk(usage), DONE) if usage is not None else (END, DONE)
    return stream(ROLE, *(chunk(text) for text in texts), *end)
